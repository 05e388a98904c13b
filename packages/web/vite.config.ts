// Build, development server and test runner of the web app.
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const backend = process.env.MILLRACE_URL ?? "http://localhost:3000";

export default defineConfig({
  plugins: [react()],
  server: {
    port: 5173,
    host: "127.0.0.1",
    proxy: { "/api/v1": { target: backend, changeOrigin: false } },
  },
  build: {
    target: "es2023",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200,
  },
  test: {
    environment: "jsdom",
    setupFiles: ["./tests/setup.ts"],
    include: ["src/**/*.test.{ts,tsx}", "tests/property/**/*.test.ts"],
    testTimeout: 60_000,
    restoreMocks: true,
    maxWorkers: 2,
  },
});
