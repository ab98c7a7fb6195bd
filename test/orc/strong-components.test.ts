import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { componentsOf } from "../../src/orc/strong-components.ts";

const graphs: [name: string, edges: Record<string, string>, expected: string][] = [
  ["nothing", {}, ""],
  ["what is needed comes first", { a: "b", b: "c", c: "" }, "c b a"],
  ["a circle is one", { a: "b", b: "c", c: "a", d: "a", e: "" }, "abc d e"],
  ["of itself alone", { a: "a" }, "a"],
  ["two circles", { a: "b", b: "ac", c: "d", d: "c" }, "cd ab"],
];

for (const [name, edges, expected] of graphs) {
  test(`components: ${name}`, () => {
    const components = componentsOf(Object.keys(edges), (node) => edges[node]!);
    assert.equal(components.map((component) => component.join("")).join(" "), expected);
  });
}

test("components of any graph: who reaches each other is together, behind what is reached", () => {
  const graph = fc.array(fc.array(fc.nat(7), { maxLength: 3 }), { minLength: 8, maxLength: 8 });
  fc.assert(
    fc.property(graph, (edges) => {
      const nodes = edges.map((_, i) => i);
      const reached = nodes.map((start) => {
        const seen = new Set([start]);
        for (const node of seen) for (const next of edges[node]!) seen.add(next);
        return seen;
      });
      const components = componentsOf(nodes, (node) => edges[node]!);
      assert.deepEqual(components.flat().sort(), nodes);
      const place = new Map(components.flatMap((component, i) => component.map((node) => [node, i])));
      for (const a of nodes) {
        for (const b of nodes) {
          const together = reached[a]!.has(b) && reached[b]!.has(a);
          assert.equal(place.get(a) === place.get(b), together);
          if (reached[a]!.has(b)) assert.ok(place.get(b)! <= place.get(a)!);
        }
      }
    }),
  );
});

test("components of a hundred thousand nodes in a row need no deep stack", () => {
  const nodes = Array.from({ length: 100_000 }, (_, i) => i);
  const components = componentsOf(nodes, (node) => (node + 1 < nodes.length ? [node + 1] : []));
  assert.deepEqual([components.length, components[0]], [100_000, [99_999]]);
});
