// What remains when a screen itself breaks: say so, offer a way on.
import { useRouteError } from "react-router";
import { describe } from "../api/envelope";

export function ErrorPage() {
  const error = useRouteError();
  const stale = error instanceof TypeError && /dynamically imported module/i.test(error.message);
  return (
    <main className="fill center" role="alert">
      <h1>{stale ? "A new version is out" : "This screen broke"}</h1>
      <p className="muted">{stale ? "Reload the page to get it. Your work is saved." : describe(error)}</p>
      <button type="button" className="btn primary" onClick={() => window.location.reload()}>
        Reload
      </button>
    </main>
  );
}
