// The peer of bench_api: list and patch of one typed table, written well in Express 5: prepared statements, a pool a
// process, zod at the door, JWT checked, role looked up, the same envelope, one process a core.
import cluster from 'node:cluster';
import { availableParallelism } from 'node:os';
import express from 'express';
import jwt from 'jsonwebtoken';
import pg from 'pg';
import { z } from 'zod';

const { PORT, DATABASE_URL, JWT_KEY, TABLE, COLUMNS } = process.env;
const columns = JSON.parse(COLUMNS);

if (cluster.isPrimary) {
  for (let i = 0; i < availableParallelism(); i++) cluster.fork();
  process.on('SIGTERM', () => {
    for (const worker of Object.values(cluster.workers)) worker.kill();
    process.exit(0);
  });
} else {
  const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 10 });
  const app = express();
  const listQuery = z.object({
    limit: z.coerce.number().int().min(1).max(1000).default(100),
    cursor: z.coerce.number().int().optional(),
  }).strict();
  const patchBody = z.object({
    updates: z.array(z.object({
      id: z.uuid(),
      version: z.number().int().optional(),
      data: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
    }).strict()).min(1).max(1000),
  }).strict();
  const toColumn = (id) => `c_${id.replaceAll('-', '')}`;
  const toId = (column) => column.slice(2).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  const ids = columns.map(toId);
  const cells = TABLE.replace('.t_', '.p_');

  const actor = {
    name: 'actor',
    text: 'SELECT u.email, m.role FROM users u JOIN workspace_members m ON m.user_id = u.id LIMIT 1',
  };

  app.disable('x-powered-by');
  app.use(express.json({ limit: '10mb' }));
  app.get('/token', (req, res) => res.json({ token: jwt.sign({ sub: 'bench' }, JWT_KEY, { expiresIn: '15m' }) }));
  app.use(async (req, res, next) => {
    const token = (req.get('authorization') ?? '').slice(7);
    try {
      req.claims = jwt.verify(token, JWT_KEY, { algorithms: ['HS256'] });
    } catch {
      return res.status(401).json({ success: false, data: null, error: { code: 'AUTHENTICATION_ERROR' }, meta: null });
    }
    const found = await pool.query(actor);
    if (found.rowCount === 0) return res.status(404).end();
    next();
  });

  app.get('/records', async (req, res) => {
    const { limit, cursor } = listQuery.parse(req.query);
    const rows = await pool.query({
      name: 'list',
      text: `SELECT id, position, version, created_at, updated_at, ${columns.join(', ')} FROM ${TABLE}
             WHERE position > $1 ORDER BY position LIMIT $2`,
      values: [cursor ?? 0, limit],
      rowMode: 'array',
    });
    const state = await pool.query({
      name: 'cells',
      text: `SELECT record_id, column_id, status, provider, confidence, cost_credits FROM ${cells}
             WHERE record_id = ANY($1::uuid[])`,
      values: [rows.rows.map((r) => r[0])],
    });
    const byRecord = new Map();
    for (const c of state.rows) byRecord.set(`${c.record_id}${c.column_id}`, c);
    const data = rows.rows.map((r) => {
      const values = {};
      const info = {};
      for (let i = 0; i < ids.length; i++) {
        const value = r[i + 5];
        values[ids[i]] = value;
        info[ids[i]] = byRecord.get(`${r[0]}${ids[i]}`) ?? { status: value === null || value === '' ? 'empty' : 'manual' };
      }
      return { id: r[0], position: Number(r[1]), version: r[2], createdAt: r[3], updatedAt: r[4], data: values, cells: info };
    });
    res.json({ success: true, data, error: null, meta: { limit, nextCursor: data.at(-1)?.position ?? null } });
  });

  app.patch('/records', async (req, res) => {
    const { updates } = patchBody.parse(req.body);
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      const data = [];
      for (const u of updates) {
        const keys = Object.keys(u.data);
        const sets = keys.map((k, i) => `${toColumn(k)} = $${i + 2}`).join(', ');
        const done = await client.query({
          name: `patch:${keys.join()}`,
          text: `UPDATE ${TABLE} SET ${sets}, version = version + 1, updated_at = now() WHERE id = $1
                 RETURNING id, version, updated_at`,
          values: [u.id, ...Object.values(u.data)],
        });
        data.push(done.rows[0]);
      }
      await client.query('COMMIT');
      res.json({ success: true, data, error: null, meta: null });
    } catch (e) {
      await client.query('ROLLBACK');
      throw e;
    } finally {
      client.release();
    }
  });

  app.listen(Number(PORT), '127.0.0.1');
}
