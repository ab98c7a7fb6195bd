/**
 * Nodes that reach each other, together, behind the components that they reach (Tarjan, "Depth-first search and linear graph
 * algorithms", 1972). Nodes of a component are in the order of `nodes`.
 */
export function componentsOf<T>(nodes: readonly T[], next: (node: T) => Iterable<T>): T[][] {
  const number = new Map<T, number>();
  const low = new Map<T, number>();
  const stack: T[] = [];
  const isOpen = new Set<T>();
  const components: T[][] = [];
  const place = new Map(nodes.map((node, i) => [node, i]));
  const enter = (node: T): { node: T; rest: Iterator<T> } => {
    number.set(node, number.size);
    low.set(node, number.get(node)!);
    stack.push(node);
    isOpen.add(node);
    return { node, rest: next(node)[Symbol.iterator]() };
  };
  for (const start of nodes) {
    if (number.has(start)) continue;
    // A way of its own in place of recursion: thousands of trackers may need each other in a row.
    const way = [enter(start)];
    for (let top = way.at(-1); top !== undefined; top = way.at(-1)) {
      const { value: other, done } = top.rest.next();
      if (done !== true) {
        if (!number.has(other)) way.push(enter(other));
        else if (isOpen.has(other)) low.set(top.node, Math.min(low.get(top.node)!, number.get(other)!));
        continue;
      }
      way.pop();
      const { node } = top;
      const above = way.at(-1)?.node;
      if (above !== undefined) low.set(above, Math.min(low.get(above)!, low.get(node)!));
      if (low.get(node) !== number.get(node)) continue;
      const component = stack.splice(stack.indexOf(node));
      for (const each of component) isOpen.delete(each);
      components.push(component.sort((a, b) => place.get(a)! - place.get(b)!));
    }
  }
  return components;
}
