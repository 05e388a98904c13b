import { expect, it } from "vitest";
import type { Job, JobStatus } from "../api/types";
import { isTerminal, mergeJob, summarise } from "./job";
import { moveCredits } from "./workspace";

const job = (id: string, status: JobStatus, spent = 0, complete = 0): Job => ({
  id,
  tableId: "t",
  status,
  totals: { cells: 10, complete, notFound: 0, failed: 0, skipped: 0 },
  credits: { reserved: 20, spent, refunded: 0 },
  createdAt: `2026-01-0${id}T00:00:00Z`,
});

it("knows which jobs are over", () => {
  for (const s of ["completed", "partially_completed", "failed", "cancelled"] as const)
    expect(isTerminal(s)).toBe(true);
  for (const s of ["queued", "running"] as const) expect(isTerminal(s)).toBe(false);
});

it("keeps jobs newest first and ignores an event that comes after the end", () => {
  const list = mergeJob(mergeJob([], job("1", "running")), job("2", "running"));
  expect(list.map((j) => j.id)).toEqual(["2", "1"]);
  const over = mergeJob(list, job("1", "completed", 5, 5));
  const late = mergeJob(over, job("1", "running", 3, 3));
  expect(late.find((j) => j.id === "1")?.status).toBe("completed");
});

it("sums up", () => {
  expect(summarise([job("1", "running", 2, 1), job("2", "completed", 5, 4)])).toEqual({
    running: 1,
    filled: 5,
    spent: 7,
  });
});

it("moves credits from reserved to spent, and back to available what is given back", () => {
  const start = { available: 80, reserved: 20, spent: 0 };
  const mid = moveCredits(
    start,
    { reserved: 20, spent: 0, refunded: 0 },
    { reserved: 20, spent: 7, refunded: 0 },
  );
  expect(mid).toEqual({ available: 80, reserved: 13, spent: 7 });
  const end = moveCredits(
    mid,
    { reserved: 20, spent: 7, refunded: 0 },
    { reserved: 20, spent: 12, refunded: 8 },
  );
  expect(end).toEqual({ available: 88, reserved: 0, spent: 12 });
});
