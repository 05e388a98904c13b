// 404.
import { Link } from "react-router";
import { useTitle } from "../lib/hooks";
import { EmptyState } from "../ui/States";

export function NotFoundPage() {
  useTitle("Not found");
  return (
    <main className="fill center">
      <EmptyState
        icon="search"
        title="There is nothing at this address"
        text="The page may have been moved or deleted, or it belongs to a workspace that you are not a member of."
      >
        <Link className="btn primary" to="/">
          Go to your tables
        </Link>
      </EmptyState>
    </main>
  );
}
