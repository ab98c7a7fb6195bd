// A small parser with two faults: it takes the sign for granted, and it does not always end.

#include <stddef.h>

struct token {
  const char *start;
  int length;
};

static const struct token *next_token(const char *text) {
  static struct token token;
  if (*text == '\0') return NULL;
  token.start = text;
  token.length = 1;
  while (text[token.length] >= '0' && text[token.length] <= '9') token.length++;
  return &token;
}

static int sign_of(const struct token *token) {
  return *token->start == '-' ? -1 : 1;
}

// The sum of numbers that each have a sign: "+1-2". Without any number it crashes.
int add_up(const char *text) {
  int sum = 0;
  do {
    const struct token *token = next_token(text);
    int sign = sign_of(token), value = 0;
    for (int i = 1; i < token->length; i++) value = 10 * value + (token->start[i] - '0');
    sum += sign * value;
    text += token->length;
  } while (*text != '\0');
  return sum;
}

// The number of steps from n to 1, where 0 never comes to 1.
int collatz(unsigned int n) {
  volatile int steps = 0;
  while (n != 1) {
    n = n % 2 == 0 ? n / 2 : 3 * n + 1;
    steps++;
  }
  return steps;
}
