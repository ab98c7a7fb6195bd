// Edges of a grey picture: a Gaussian blur, first along rows and then along columns, and the length of Sobel's gradient.
// A picture is `height` rows of `width` floats, 0 black and 1 white; outside of it are its border's pixels.

#include <math.h>

enum { MOST_TAPS = 32 };

static int clamp(int value, int most) {
  return value < 0 ? 0 : value > most ? most : value;
}

// One half of a Gaussian: weights[0] is the middle's. Returns how many there are.
static int gaussian(float *weights, float sigma) {
  int taps = clamp((int)ceilf(3 * sigma), MOST_TAPS - 1) + 1;
  float sum = 0;
  for (int i = 0; i < taps; i++) {
    weights[i] = expf(-(float)(i * i) / (2 * sigma * sigma));
    sum += i == 0 ? weights[i] : 2 * weights[i];
  }
  for (int i = 0; i < taps; i++) weights[i] /= sum;
  return taps;
}

static void blur_rows(const float *from, float *to, int width, int height, const float *weights, int taps) {
  for (int y = 0; y < height; y++) {
    const float *row = from + (long)y * width;
    float *out = to + (long)y * width;
    for (int x = 0; x < width; x++) out[x] = row[x] * weights[0];
    for (int i = 1; i < taps; i++) {
      int inner = width - i;
      for (int x = 0; x < width && x < i; x++) out[x] += (row[0] + row[clamp(x + i, width - 1)]) * weights[i];
      for (int x = i; x < inner; x++) out[x] += (row[x - i] + row[x + i]) * weights[i];
      for (int x = inner > i ? inner : i; x < width; x++) out[x] += (row[x - i] + row[width - 1]) * weights[i];
    }
  }
}

static void blur_columns(const float *from, float *to, int width, int height, const float *weights, int taps) {
  for (int y = 0; y < height; y++) {
    float *out = to + (long)y * width;
    const float *middle = from + (long)y * width;
    for (int x = 0; x < width; x++) out[x] = middle[x] * weights[0];
    for (int i = 1; i < taps; i++) {
      const float *above = from + (long)clamp(y - i, height - 1) * width;
      const float *below = from + (long)clamp(y + i, height - 1) * width;
      for (int x = 0; x < width; x++) out[x] += (above[x] + below[x]) * weights[i];
    }
  }
}

static void gradient(const float *from, float *to, int width, int height) {
  for (int y = 0; y < height; y++) {
    const float *above = from + (long)clamp(y - 1, height - 1) * width;
    const float *middle = from + (long)y * width;
    const float *below = from + (long)clamp(y + 1, height - 1) * width;
    for (int x = 0; x < width; x++) {
      int left = x > 0 ? x - 1 : 0, right = x < width - 1 ? x + 1 : x;
      float dx = above[right] - above[left] + 2 * (middle[right] - middle[left]) + below[right] - below[left];
      float dy = below[left] - above[left] + 2 * (below[x] - above[x]) + below[right] - above[right];
      to[(long)y * width + x] = sqrtf(dx * dx + dy * dy);
    }
  }
}

// `picture` stays as it is; `edges` and `scratch` are as large.
void find_edges(const float *picture, float *edges, float *scratch, int width, int height, float sigma) {
  float weights[MOST_TAPS];
  int taps = gaussian(weights, sigma);
  blur_rows(picture, edges, width, height, weights, taps);
  blur_columns(edges, scratch, width, height, weights, taps);
  gradient(scratch, edges, width, height);
}

// Takes the same arrays and does nothing: what is left is the price of handing them over.
void touch(const float *picture, float *edges) {
  (void)picture;
  (void)edges;
}
