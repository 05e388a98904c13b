// The shapes of the HTTP contract, as the server sends them.

export type Role = "owner" | "admin" | "member" | "viewer" | "billing_admin";

export interface User {
  id: string;
  email: string;
  name: string;
}

export interface Credits {
  available: number;
  reserved: number;
  spent: number;
}

export interface Workspace {
  id: string;
  name: string;
  role: Role;
  credits: Credits;
  createdAt?: string;
}

export interface Session {
  user: User;
  workspace?: Workspace | null;
  accessToken: string;
  refreshToken: string;
  expiresIn: number;
}

export interface PageMeta {
  limit?: number;
  nextCursor?: string | null;
  total?: number | null;
  totalIsEstimate?: boolean;
}

export interface Page<T> {
  items: T[];
  meta: PageMeta;
}

export interface FaultDetail {
  path: string;
  rule?: string;
  message: string;
}

export type ColumnType =
  | "text"
  | "number"
  | "boolean"
  | "date"
  | "url"
  | "email"
  | "phone"
  | "select"
  | "json";

export interface Column {
  id: string;
  key: string;
  name: string;
  type: ColumnType;
  position: number;
  width?: number | null;
  hidden: boolean;
  options?: unknown;
}

export interface TableSummary {
  id: string;
  name: string;
  rowCount: number;
  rowCountIsEstimate?: boolean;
  columns?: Column[];
  createdAt: string;
  updatedAt: string;
}

export interface Table extends TableSummary {
  columns: Column[];
}

export type CellStatus = "empty" | "queued" | "running" | "complete" | "not_found" | "failed" | "manual";

export interface Cell {
  status: CellStatus;
  provider?: string | null;
  confidence?: number | null;
  costCredits?: number | null;
  jobId?: string | null;
  updatedAt?: string | null;
  error?: string | null;
  /** The value did not fit its column's type and was kept as text. */
  raw?: boolean;
}

export type CellValue = string | number | boolean | null | object;

export interface Row {
  id: string;
  position: number;
  version: number;
  createdAt?: string;
  updatedAt?: string;
  data: Record<string, CellValue>;
  cells?: Record<string, Cell>;
}

export type FilterOp =
  | "eq"
  | "ne"
  | "lt"
  | "lte"
  | "gt"
  | "gte"
  | "contains"
  | "startsWith"
  | "in"
  | "isEmpty"
  | "isNotEmpty"
  | "status";

export interface Condition {
  column: string;
  op: FilterOp;
  value?: unknown;
}

export type FilterNode = Condition | { and: FilterNode[] } | { or: FilterNode[] };

export type Filter = { and: FilterNode[] };

export interface Sort {
  column: string;
  direction: "asc" | "desc";
}

export type ProviderSource = "builtin" | "sandbox" | "remote" | "workspace";

export interface Provider {
  slug: string;
  name: string;
  category: string;
  description: string;
  source: ProviderSource;
  inputs: { key: string; required: boolean }[];
  outputs: string[];
  credits: { hit: number; miss: number };
  requiresCredential: boolean;
  /** False: it needs a credential of the workspace first. */
  available?: boolean;
  hasCredential?: boolean;
  /** At least one of these groups of inputs must be known as a whole. */
  requireOneOf?: string[][];
  /** Whom the answers are about: one about companies gives some contact's e-mail, not a given person's. */
  subject?: "company" | "person" | null;
  expectedHitRate?: number;
  docsUrl?: string | null;
}

export interface FieldDef {
  key: string;
  name: string;
  type: ColumnType;
  description?: string;
  aliases?: string[];
}

export type JobStatus = "queued" | "running" | "completed" | "partially_completed" | "failed" | "cancelled";

export interface JobTotals {
  cells: number;
  complete: number;
  notFound: number;
  failed: number;
  skipped: number;
}

export interface Job {
  id: string;
  tableId: string;
  status: JobStatus;
  engine?: string;
  totals: JobTotals;
  credits: { reserved: number; spent: number; refunded: number };
  budget?: number | null;
  budgetReached?: boolean;
  cancelRequested?: boolean;
  retryOf?: string | null;
  createdAt: string;
  startedAt?: string | null;
  finishedAt?: string | null;
  error?: string | null;
}

export interface JobField {
  columnId: string;
  output?: string;
  waterfall: string[];
  onlyIfEmpty: boolean;
  minConfidence?: number;
}

export interface JobRequest {
  tableId: string;
  recordIds?: string[];
  filter?: Filter;
  fields: JobField[];
  budget?: number;
}

export interface Estimate {
  cells: number;
  providers: { slug: string; expectedCalls: number; expectedCredits: number }[];
  credits: { expected: number; p90: number; max: number };
  warnings: (string | { message: string })[];
}

export interface Attempt {
  idempotencyKey?: string;
  recordId?: string;
  columnId?: string;
  provider: string;
  providerName?: string;
  outcome: string;
  credits: number;
  latencyMs?: number | null;
  cached?: boolean;
  startedAt?: string;
  confidence?: number | null;
  error?: string | null;
}

export interface CellProvenance {
  status: CellStatus;
  provider?: string | null;
  providerName?: string | null;
  source?: ProviderSource | null;
  confidence?: number | null;
  costCredits?: number | null;
  jobId?: string | null;
  updatedAt?: string | null;
  error?: string | null;
  attempts?: Attempt[];
}

export interface Provenance {
  recordId: string;
  cells: Record<string, CellProvenance>;
}

export interface ImportFault {
  line: number;
  column?: string | number | null;
  message: string;
}

export interface ImportColumn {
  header: string;
  name: string;
  type: ColumnType;
  samples?: string[];
  suggestedKey?: string | null;
}

export interface ImportPreview {
  importId: string;
  dialect: { delimiter: string; quote?: string; newline?: string; encoding: string; hasHeader: boolean };
  columns: ImportColumn[];
  rows: (string | null)[][];
  faults: ImportFault[];
  faultCount?: number;
  rowsTotal?: number;
  rowsTotalIsEstimate?: boolean;
}

export interface ImportStatus {
  status: "previewed" | "importing" | "completed" | "failed";
  tableId?: string | null;
  rowsRead: number;
  rowsImported: number;
  rowsRejected: number;
  faults?: ImportFault[];
  error?: string | null;
}

export interface ImportMapping {
  header: string;
  columnId?: string;
  name?: string;
  type?: ColumnType;
  skip?: boolean;
}

export interface Member {
  userId: string;
  email: string;
  name: string;
  role: Role;
  joinedAt?: string;
  createdAt?: string;
}

export interface Invitation {
  id: string;
  email: string;
  role: Role;
  status?: string;
  expiresAt?: string;
  createdAt?: string;
  token?: string;
  workspaceName?: string;
}

export interface Credential {
  id: string;
  provider: string;
  name?: string;
  masked?: string;
  last4?: string;
  createdAt?: string;
  updatedAt?: string;
}
