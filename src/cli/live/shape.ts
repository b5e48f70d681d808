import { scrub } from '../../redaction/scrub.js';

/** A name that a developer chose. Ids, tokens and addresses are none, although they may be keys of an object. */
const fieldName = /^(?=.{1,40}$)[A-Za-z_$][A-Za-z_.:-]*\d{0,2}$/;
const deepest = 8;
const mostShapes = 5;

/** A JSON value with every value replaced by its type and its length. */
export type Shape = string | readonly Shape[] | { readonly [field: string]: Shape };

/** Replaces every value by its type and its length. A key that is no name of a field is replaced too. */
export function shapeOf(value: unknown, depth = 0): Shape {
  if (value === null) {
    return 'null';
  }
  if (typeof value === 'string') {
    return `string(${value.length})`;
  }
  if (typeof value === 'number') {
    return `${Number.isInteger(value) ? 'integer' : 'number'}(${String(value).length})`;
  }
  if (typeof value !== 'object') {
    return typeof value;
  }
  if (depth === deepest) {
    return 'deeper';
  }
  return Array.isArray(value) ? shapeOfList(value, depth) : shapeOfObject(value, depth);
}

/** Returns the shape of a body: of JSON, of the fields of a form, or the length of any other text. */
export function shapeOfBody(text: string): Shape {
  if (text === '') {
    return 'empty';
  }
  try {
    return shapeOf(JSON.parse(text));
  } catch {
    return /^[\w.%~*+-]+=[^&<>\s]*(&[\w.%~*+-]+=[^&<>\s]*)*$/.test(text)
      ? { form: shapeOf(Object.fromEntries(new URLSearchParams(text))) }
      : `text(${text.length})`;
  }
}

function shapeOfList(list: readonly unknown[], depth: number): Shape {
  const shapes = new Map(list.map((each) => shapeOf(each, depth + 1)).map((shape) => [JSON.stringify(shape), shape]));
  return [`array(${list.length})`, ...[...shapes.values()].slice(0, mostShapes)];
}

function shapeOfObject(object: object, depth: number): Shape {
  const fields = Object.entries(object).map(([key, value]): [string, Shape] => [
    fieldName.test(key) && scrub(key) === key ? key : `key(${key.length})`,
    shapeOf(value, depth + 1),
  ]);
  return Object.fromEntries(fields);
}
