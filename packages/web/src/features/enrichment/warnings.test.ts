import { expect, it } from "vitest";
import { gatherWarnings } from "./warnings";

const providers = ["a-one", "b-two", "c-three", "d-four"].map((slug) => ({ slug, name: slug.toUpperCase() }));
const text = "has no credential: its answers are demo data from the sandbox";

it("says the same of many providers once, by their names", () => {
  expect(
    gatherWarnings(
      ["a-one", "b-two", "c-three", "d-four"].map((s) => `${s} ${text}`),
      providers,
    ),
  ).toEqual(["A-ONE, B-TWO and 2 others have no credential: their answers are demo data from the sandbox"]);
});

it("names a single provider, and leaves other warnings as they are", () => {
  expect(gatherWarnings([`b-two ${text}`, { message: "12 rows lack a domain" }], providers)).toEqual([
    `B-TWO ${text}`,
    "12 rows lack a domain",
  ]);
});
