import { expect } from 'vitest';

/** What the checks look at of an OpenAPI 3.1 document. */
export interface OpenApi {
  readonly openapi: string;
  readonly paths: Record<
    string,
    Record<string, { responses: object; parameters?: { in: string; name: string }[] }>
  >;
}

/** Every reference leads somewhere; every operation has answers, and names the parameters of its path. */
export function checkDocument(document: OpenApi): void {
  expect(document.openapi).toMatch(/^3\.1/);
  expect(Object.keys(document.paths)).toContain('/api/chainbot/workflows/{name}/runs');
  for (const reference of JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)) {
    const found = (reference[1] as string)
      .split('/')
      .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document);
    expect(found, reference[1]).toBeDefined();
  }
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      expect(Object.keys(operation.responses).length, `${method} ${path}`).toBeGreaterThan(0);
      const named = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      const given = (operation.parameters ?? []).filter((one) => one.in === 'path').map((one) => one.name);
      expect(given, `${method} ${path}`).toEqual(named);
    }
  }
}
