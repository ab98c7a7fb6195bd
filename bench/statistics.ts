/** A value with its spread: the median, and the quartiles around it. */
export interface Summary {
  readonly median: number;
  readonly lower: number;
  readonly upper: number;
}

/** Median and quartiles of at least one value (linear interpolation between neighbours). */
export function summarize(values: readonly number[]): Summary {
  if (values.length === 0) throw new RangeError("there are no values to summarize");
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part: number): number => {
    const position = part * (sorted.length - 1);
    const low = Math.floor(position);
    const high = Math.ceil(position);
    return sorted[low] + (sorted[high] - sorted[low]) * (position - low);
  };
  return { median: at(0.5), lower: at(0.25), upper: at(0.75) };
}

/**
 * The ratio of two contestants that ran in turn: summary of the ratios of each round, so that what slows a whole round
 * down (another process, a lower clock) cancels out.
 */
export function pairedRatio(values: readonly number[], baseline: readonly number[]): Summary {
  if (values.length !== baseline.length) {
    throw new RangeError(`${values.length} runs cannot be paired with ${baseline.length}`);
  }
  return summarize(values.map((value, round) => value / baseline[round]));
}

/** As `pairedRatio`, of the rounds that both had: a slow contestant had the first only. */
export function ratioOf(values: readonly number[], others: readonly number[]): Summary {
  const rounds = Math.min(values.length, others.length);
  return pairedRatio(values.slice(0, rounds), others.slice(0, rounds));
}
