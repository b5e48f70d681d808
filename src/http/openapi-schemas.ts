/** Keys whose values are data, not schemas. */
const dataKeys = new Set(['example', 'examples', 'value', 'default', 'enum', 'const']);

/**
 * Rewrites the schemas of a document from OpenAPI 3.0 to 3.1. Version 3.1 takes JSON Schema as it is: `null` is a type,
 * and `nullable` means nothing.
 *
 * @see OpenAPI Specification 3.1.1 section 4.8.24, https://spec.openapis.org/oas/v3.1.1.html#schema-object
 */
export function withJsonSchemas<Value>(value: Value): Value {
  return rewrite(value) as Value;
}

function rewrite(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(rewrite);
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const { nullable, ...fields } = Object.fromEntries(
    Object.entries(value).map(([key, field]) => [key, dataKeys.has(key) ? (field as unknown) : rewrite(field)]),
  );
  return nullable === true ? withNull(fields) : fields;
}

function withNull({ type, enum: values, allOf, $ref, ...others }: Record<string, unknown>): object {
  if (typeof type === 'string') {
    return {
      ...others,
      type: [type, 'null'],
      ...(Array.isArray(values) ? { enum: [...(values as unknown[]), null] } : {}),
    };
  }
  const schema = $ref === undefined ? { allOf } : { $ref };
  const [only, ...more] = Array.isArray(allOf) ? (allOf as unknown[]) : [];
  return { ...others, anyOf: [only !== undefined && more.length === 0 ? only : schema, { type: 'null' }] };
}
