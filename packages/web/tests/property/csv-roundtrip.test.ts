import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseTsv, toTsv } from "../../src/features/record/clipboard";

// The web app's own delimited text is the clipboard's; files are read and written by the server.
const cell = fc.oneof(
  fc.string(),
  fc.string({ unit: fc.constantFrom('"', "\t", "\n", "\r", "a", " ", ",") }),
  fc.string({ unit: "grapheme" }),
);

describe("clipboard text", () => {
  it("reads back every block that it writes", () => {
    fc.assert(
      fc.property(
        fc
          .integer({ min: 1, max: 6 })
          .chain((width) =>
            fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 8 }),
          ),
        (block) => {
          // A last row of one empty cell is the line break at the end, which is no row.
          fc.pre(!(block.length > 1 && block.at(-1)?.length === 1 && block.at(-1)?.[0] === ""));
          expect(parseTsv(toTsv(block))).toEqual(block);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("takes all three line ends and a line break at the end", () => {
    const plain = fc.string({ unit: fc.constantFrom("x", "y", " ") });
    fc.assert(
      fc.property(
        fc.array(fc.array(plain, { minLength: 2, maxLength: 2 }), { minLength: 1, maxLength: 5 }),
        fc.constantFrom("\n", "\r\n", "\r"),
        (block, end) => {
          const text = block.map((r) => r.join("\t")).join(end);
          expect(parseTsv(text)).toEqual(block);
          expect(parseTsv(text + end)).toEqual(block);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("never fails, whatever is pasted", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('"', "\t", "\n", "\r", "a", "\0", "\u{1f600}", "\ud800") }),
        (text) => {
          expect(parseTsv(text).length).toBeGreaterThan(0);
        },
      ),
      { numRuns: 200 },
    );
  });
});
