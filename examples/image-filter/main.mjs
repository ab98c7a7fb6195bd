// Finds the edges in frames that JavaScript draws; the filter is C code in a process of its own, and the pixels are in memory that both have.
//     node examples/image-filter/main.mjs [OUT.pgm [WIDTH HEIGHT]]
import { writeFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { instantiate } from "slablink";

const [out, ...size] = process.argv.slice(2);
const [width = 1920, height = 1080] = size.map(Number);
const FRAMES = 5;
const SIGMA = 2;

const filter = await instantiate(new URL("edges.c", import.meta.url), {
  isolated: true,
  flags: ["-O3", "-ffast-math"],
  exports: {
    find_edges: "void find_edges(const float *, float *, float *, int, int, float)",
    touch: "void touch(const float *, float *)",
  },
});
try {
  const { session, exports } = filter;
  const [picture, edges, scratch] = await Promise.all(
    Array.from({ length: 3 }, () => session.allocate(Float32Array, width * height)),
  );
  const megabytes = (picture.byteLength / 1e6).toFixed(1);
  console.log(`${width} × ${height} floats: ${megabytes} MB for the picture, as much for its edges`);

  const { counters } = session.execution.epc;
  const sentBefore = counters.bytesSent;
  for (let frame = 1; frame <= FRAMES; frame++) {
    const start = performance.now();
    draw(picture, frame / FRAMES);
    const drawn = performance.now();
    await exports.find_edges(picture, edges, scratch, width, height, SIGMA);
    const filtered = performance.now();
    const share = edges.reduce((count, value) => count + (value > 0.5 ? 1 : 0), 0) / edges.length;
    const read = performance.now();
    console.log(
      `frame ${frame}: drawn in ${ms(drawn - start)}, filtered in ${ms(filtered - drawn)}, read in ${ms(read - filtered)}; ` +
        `${(100 * share).toFixed(1)} % are edges`,
    );
  }
  console.log(`sent to the filter's process in messages meanwhile: ${counters.bytesSent - sentBefore} bytes`);

  const calls = Array.from({ length: 101 }, () => {
    const start = performance.now();
    exports.touch.sync(picture, edges);
    return performance.now() - start;
  });
  console.log(`a call with both arrays that does nothing, the median of ${calls.length}: ${ms(median(calls))}`);

  console.log(preview(edges));
  if (out !== undefined) writeFileSync(out, greyMap(edges));
} finally {
  await filter.dispose();
}

/** Two discs and a bar before a dark gradient; `time` is from 0 to 1. */
function draw(pixels, time) {
  const [size, angle] = [Math.min(width, height), time * 0.8 * Math.PI];
  const discs = [-1, 1].map((side) => ({
    x: width / 2 + side * 0.5 * size * Math.cos(angle),
    y: height / 2 + side * 0.25 * size * Math.sin(angle),
    radius: size * (0.18 + side * 0.04),
  }));
  for (let y = 0, i = 0; y < height; y++) {
    const inBar = Math.abs(y - height / 2) < size * 0.03;
    for (let x = 0; x < width; x++, i++) {
      let value = inBar ? 0.6 : (0.3 * x) / width;
      for (const disc of discs) {
        const [dx, dy] = [x - disc.x, y - disc.y];
        if (dx * dx + dy * dy < disc.radius * disc.radius) value = 1;
      }
      pixels[i] = value;
    }
  }
}

/** A few rows of characters for a picture, each the brightest of its pixels. */
function preview(pixels) {
  const [columns, rows, shades] = [Math.min(72, width), Math.min(20, height), " .:-=+*#%@"];
  const brightest = Array.from({ length: rows }, () => new Float32Array(columns));
  for (let y = 0, i = 0; y < height; y++) {
    const row = brightest[Math.floor((y * rows) / height)];
    for (let x = 0; x < width; x++, i++) {
      const column = Math.floor((x * columns) / width);
      if (pixels[i] > row[column]) row[column] = pixels[i];
    }
  }
  return brightest.map((row) => Array.from(row, shade).join("").trimEnd()).join("\n");

  function shade(value) {
    return shades[Math.min(shades.length - 1, Math.floor(value * shades.length))];
  }
}

/** Netpbm's PGM: a header in text, then a byte a pixel. */
function greyMap(pixels) {
  const bytes = Uint8ClampedArray.from(pixels, (value) => value * 255);
  return Buffer.concat([Buffer.from(`P5\n${width} ${height}\n255\n`), Buffer.from(bytes.buffer)]);
}

function median(times) {
  return times.sort((a, b) => a - b)[times.length >> 1];
}

function ms(time) {
  return `${time.toFixed(time < 1 ? 3 : 1)} ms`;
}
