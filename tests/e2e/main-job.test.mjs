// The main job in a real browser, as a newcomer does it: register, take the sample, see the quote, run,
// watch cells fill, ask one where it came from, edit, export. One user, one page, in order.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ARTIFACTS, asideMs, assertAccessible, cell, email, launch, lookForBarriers, openPage, shot, URL_BASE } from "./browser.mjs";

const JOB_OVER = '[data-testid="job-bar"]:not([data-status="running"]):not([data-status="queued"])';
const PASSWORD = "an otter rows upstream";
let browser;
let page;
let problems;
let context;
const who = email();
let started;

/** One step of the way. The first that fails takes a picture; the rest cannot be walked and fail at once. */
let broken = null;
const step = (name, walk) =>
  test(name, async () => {
    assert.equal(broken, null, "an earlier step failed");
    try {
      await walk();
    } catch (error) {
      broken = name;
      await shot(page, "failed").catch(() => undefined);
      throw error;
    }
  });

before(async () => {
  browser = await launch();
  ({ page, problems, context } = await openPage(browser));
});
after(async () => {
  await browser?.close();
});

const credits = async () =>
  Number((await page.getByTestId("credits").textContent()).replace(/,/g, ""));

step("a visitor is asked to sign in, and can register", async () => {
  await page.goto(`${URL_BASE}/`);
  await page.getByRole("heading", { name: "Welcome back" }).waitFor();
  await shot(page, "sign-in");
  await lookForBarriers(page, "sign-in");
  await page.getByRole("link", { name: "Create an account" }).click();
  await page.getByLabel("Name").fill("Erin Newcomer");
  await page.getByLabel("E-mail").fill(who);
  await page.getByLabel("Password").fill(PASSWORD);
  await lookForBarriers(page, "registration");
  started = Date.now() - asideMs();
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByText("Drop a CSV here").waitFor();
  await page.waitForFunction(() => document.querySelector('[data-testid="credits"]'));
  await page.getByText("Sandbox mode").waitFor();
  await shot(page, "no-tables-yet");
  await lookForBarriers(page, "no tables yet");
});

step("the sample leads to a quote without reading anything", async () => {
  await page.getByRole("button", { name: "Try with sample companies" }).click();
  await page.getByTestId("quote").waitFor({ timeout: 30_000 });
  const text = await page.getByTestId("quote").innerText();
  assert.match(text, /Quote for [\d,]+ cells/);
  assert.match(text, /never more than [\d,]+/);
  assert.match(await (await cell(page, 0, "Company")).innerText(), /Apple/);
  await shot(page, "quote");
  await lookForBarriers(page, "quote", ".enrich");
});

step("cells fill live, credits move, and it took a newcomer under a minute", async () => {
  const before = await credits();
  await page.getByTestId("run-enrichment").click();
  await page.getByTestId("job-bar").waitFor();
  await page.locator(".cell.is-complete").first().waitFor();
  const firstCell = Date.now() - asideMs() - started;
  await shot(page, "running");
  await page.locator(JOB_OVER).waitFor({ timeout: 60_000 });
  const whole = Date.now() - asideMs() - started;
  await page.waitForFunction(() => !document.querySelector(".cell.is-queued, .cell.is-running"));
  console.log(`# first enriched cell ${firstCell} ms after registering, all done after ${whole} ms`);
  assert.ok(whole < 60_000, `took ${whole} ms`);
  await shot(page, "finished");
  assert.ok((await page.locator(".cell.is-complete").count()) >= 20);
  assert.match(await (await cell(page, 0, "Industry")).innerText(), /\w/);
  await page.waitForFunction(
    (n) => Number(document.querySelector('[data-testid="credits"]').textContent.replace(/,/g, "")) < n,
    before,
  );
  await lookForBarriers(page, "finished table");
});

step("a cell says where it came from, plainly marked as sandbox data", async () => {
  await page.locator(".cell.is-complete .cell-dot").first().click();
  const card = page.getByTestId("provenance");
  await card.getByText("Confidence").waitFor();
  const text = await card.innerText();
  assert.match(text, /Sandbox demo data/);
  assert.match(text, /Confidence\s+\d+%/);
  assert.match(text, /Asked in this order/);
  await shot(page, "provenance");
  await lookForBarriers(page, "provenance", "[data-testid=provenance]");
  await page.keyboard.press("Escape");
  await card.waitFor({ state: "detached" });
});

step("an edit is saved by itself and undone by Ctrl+Z", async () => {
  const target = await cell(page, 1, "Company");
  const old = (await target.innerText()).trim();
  await target.dblclick();
  await page.keyboard.press("Control+A");
  await page.keyboard.type("Renamed Inc");
  await page.keyboard.press("Enter");
  await page.getByText("All changes saved").waitFor();
  assert.match(await target.innerText(), /Renamed Inc/);
  await page.reload();
  await page.locator(".ag-row").first().waitFor();
  await page.waitForFunction(() => document.body.innerText.includes("Renamed Inc"));
  const again = await cell(page, 1, "Company");
  await again.dblclick();
  await page.keyboard.press("Control+A");
  await page.keyboard.type("Twice");
  await page.keyboard.press("Enter");
  await page.getByText("All changes saved").waitFor();
  await page.keyboard.press("Control+z");
  await page.waitForFunction(() => document.body.innerText.includes("Renamed Inc"));
  assert.notEqual(old, "Renamed Inc");
});

step("sort and filter run on the server over the whole table", async () => {
  await page.locator(".col-name", { hasText: "Employees" }).click();
  await page.locator(".ag-row").first().waitFor();
  await page.waitForTimeout(300);
  await page.locator('[data-testid="grid"] .cell:not(.is-loading)').first().waitFor();
  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByRole("button", { name: "Add a condition" }).click();
  await page.getByLabel("Value").fill("apple");
  await page.getByText(/^1 row match/).waitFor();
  await shot(page, "filtered");
  await lookForBarriers(page, "filtered", ".filter-pop");
  await page.getByRole("button", { name: "Clear" }).click();
  await page.keyboard.press("Escape");
  await page.getByText(/^24 rows ·/).waitFor();
});

step("the whole table exports, with the enriched columns", async () => {
  await page.getByRole("button", { name: "Export" }).click();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("menuitem", { name: "CSV", exact: true }).click(),
  ]);
  const path = join(ARTIFACTS, "export.csv");
  await download.saveAs(path);
  const lines = readFileSync(path, "utf8").replace(/^\uFEFF/, "").trim().split(/\r?\n/);
  assert.equal(lines.length, 25);
  for (const name of ["Company", "Website", "Industry", "Employees", "Country"]) assert.ok(lines[0].includes(name), lines[0]);
  assert.match(lines.join("\n"), /Apple,/);
});

step("a CSV of one's own is mapped, imported with its faults told, and can be enriched in part", async () => {
  const file = join(ARTIFACTS, "own.csv");
  writeFileSync(file, 'Firma;Web;Umsatz\nSiemens;siemens.com;1\n"Say ""hi"" GmbH";sap.com;zwei\nKurz\n');
  await page.getByRole("link", { name: "Tables", exact: true }).first().click();
  await page.getByRole("button", { name: "Import CSV" }).click();
  await page.getByLabel("CSV file").setInputFiles(file);
  await page.getByLabel("Table name").waitFor();
  await page.getByLabel("Table name").fill("My firms");
  await shot(page, "import");
  await lookForBarriers(page, "import", "dialog");
  await page.getByRole("dialog").getByRole("button", { name: "Import" }).click();
  await page.getByRole("heading", { name: "My firms" }).waitFor();
  await page.getByText(/^3 rows ·/).waitFor();
  assert.match(await (await cell(page, 1, "Firma")).innerText(), /Say "hi" GmbH/);
  await page.getByRole("region", { name: "Suggestion" }).waitFor();
  await shot(page, "imported");
});

step("jobs are listed with what was tried; providers say where answers come from", async () => {
  await page.getByRole("button", { name: "Jobs" }).click();
  await page.getByRole("button", { name: "What was tried" }).first().click();
  await page.locator(".drawer table").waitFor();
  await shot(page, "jobs");
  await lookForBarriers(page, "jobs", ".drawer");
  await page.locator(".drawer").getByRole("button", { name: "Close" }).click();
  await page.getByRole("link", { name: "Providers" }).click();
  await page.getByRole("heading", { name: "Providers", level: 1 }).waitFor();
  await page.locator(".provider-card").first().waitFor();
  await shot(page, "providers");
  await lookForBarriers(page, "providers");
});

step("settings: members and invitations, masked credentials, workspace", async () => {
  await page.getByRole("link", { name: "Members" }).click();
  await page.getByText(who).waitFor();
  await page.getByRole("button", { name: "Invite" }).click();
  await page.getByRole("dialog").getByLabel("E-mail").fill("colleague@example.com");
  await page.getByRole("dialog").getByRole("button", { name: "Invite" }).click();
  await page.getByRole("cell", { name: "colleague@example.com" }).waitFor();
  await shot(page, "members");
  await lookForBarriers(page, "members");
  await page.getByRole("link", { name: "Credentials" }).click();
  await page.getByRole("button", { name: "Add a key" }).click();
  await page.getByLabel("API key").fill("key-of-this-test-9876");
  await page.getByRole("button", { name: "Save key" }).click();
  await page.getByText(/9876/).waitFor();
  assert.ok(!(await page.content()).includes("key-of-this-test"));
  await shot(page, "credentials");
  await lookForBarriers(page, "credentials");
  await page.getByRole("link", { name: "Workspace", exact: true }).click();
  await page.getByText("Spent so far").waitFor();
  await shot(page, "workspace");
  await lookForBarriers(page, "workspace");
});

step("an unknown address is told so, and signing out ends the session", async () => {
  await page.goto(`${URL_BASE}/nothing/here`);
  await page.getByText("There is nothing at this address").waitFor();
  await page.getByRole("link", { name: "Go to your tables" }).click();
  await page.getByRole("heading", { name: "Tables" }).waitFor();
  await page.getByRole("button", { name: /Erin/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Welcome back" }).waitFor();
  assert.equal(await page.evaluate(() => localStorage.getItem("millrace.refreshToken")), null);
});

test("no screen on the way has a barrier that axe can find", () => {
  assertAccessible();
});

test("the browser had nothing to complain about", async () => {
  await context.close();
  assert.deepEqual(problems, []);
});
