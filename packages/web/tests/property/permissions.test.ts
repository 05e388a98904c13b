import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Role } from "../../src/api/types";
import { ACTIONS, can, canAssign, PERMISSIONS, ROLE_NAMES } from "../../src/features/workspace/permissions";

const RUNS = { numRuns: 200 };
const ORDER: Role[] = ["viewer", "member", "admin", "owner"];
const role = fc.constantFrom<Role>(...(Object.keys(ROLE_NAMES) as Role[]));
const action = fc.constantFrom(...ACTIONS);

describe("permissions", () => {
  it("a higher role may do all that a lower one may", () => {
    fc.assert(
      fc.property(fc.nat({ max: 3 }), fc.nat({ max: 3 }), action, (a, b, what) => {
        const [low, high] = a <= b ? [ORDER[a]!, ORDER[b]!] : [ORDER[b]!, ORDER[a]!];
        if (can(low, what)) expect(can(high, what)).toBe(true);
      }),
      RUNS,
    );
  });

  it("nobody may do anything without a role, the owner everything, a viewer changes nothing", () => {
    fc.assert(
      fc.property(action, (what) => {
        expect(can(null, what)).toBe(false);
        expect(can(undefined, what)).toBe(false);
        expect(can("owner", what)).toBe(true);
        if (!["view_records", "export_csv"].includes(what)) expect(can("viewer", what)).toBe(false);
      }),
      RUNS,
    );
  });

  it("billing is for the owner and the billing admin only, who may not change data", () => {
    fc.assert(
      fc.property(role, (r) => {
        expect(can(r, "manage_billing")).toBe(r === "owner" || r === "billing_admin");
        if (r === "billing_admin")
          for (const a of ["edit_records", "run_enrichment", "manage_members", "manage_credentials"] as const)
            expect(can(r, a)).toBe(false);
      }),
      RUNS,
    );
  });

  it("an unknown role from the server may do nothing", () => {
    fc.assert(
      fc.property(fc.string(), action, (r, what) => {
        fc.pre(!(r in PERMISSIONS));
        expect(can(r as Role, what)).toBe(false);
      }),
      RUNS,
    );
  });

  it("only an owner makes or unmakes owners, and only who manages members assigns at all", () => {
    fc.assert(
      fc.property(role, role, (actor, target) => {
        const allowed = canAssign(actor, target);
        if (!can(actor, "manage_members")) expect(allowed).toBe(false);
        if (target === "owner") expect(allowed).toBe(actor === "owner");
      }),
      RUNS,
    );
  });
});
