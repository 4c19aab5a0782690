import { isJsonObject, type Json } from '#core/json.ts';

/** The plainest value that a JSON Schema describes; undefined when it says nothing. */
export function sampleOf(schema: Json | undefined): Json | undefined {
  if (!isJsonObject(schema)) return undefined;
  if (schema.const !== undefined) return schema.const;
  if (schema.default !== undefined) return schema.default;
  if (Array.isArray(schema.enum)) return schema.enum[0] as Json;
  const type = Array.isArray(schema.type) ? (schema.type[0] as Json) : schema.type;
  switch (type) {
    case 'string':
      return schema.format === 'date-time' ? '2026-01-01T00:00:00.000Z' : '';
    case 'number':
    case 'integer':
      return typeof schema.minimum === 'number' ? schema.minimum : 0;
    case 'boolean':
      return true;
    case 'array':
      return [];
    case 'null':
      return null;
    case 'object': {
      const properties = isJsonObject(schema.properties) ? schema.properties : {};
      return Object.fromEntries(
        Object.entries(properties).map(([name, one]) => [name, sampleOf(one) ?? null]),
      );
    }
    default:
      return undefined;
  }
}
