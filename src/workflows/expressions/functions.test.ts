import { describe, expect, it } from 'vitest';
import type { Json } from '#core/json.ts';
import { compileExpression } from './expression.ts';
import { readInstant } from './instant.ts';

const clock = { now: () => Date.parse('2026-07-01T22:30:15.250Z') };
const evaluate = (text: string): Json => compileExpression(text, { clock }).evaluate({});

describe('functions', () => {
  it.each<[string, Json]>([
    ['sum([1, 2.5])', 3.5],
    ['sum([])', 0],
    ['avg([1, 2])', 1.5],
    ['min([3, 1, 2])', 1],
    ['max(3, 1, 2)', 3],
    ['min(5)', 5],
    ['max([3]) + [1, 2].max()', 5],
    ['default(avg([]), 0) + default(min([]), 0) + default(last([]), 1)', 1],
    ['round(2.5)', 3],
    ['round(-2.5)', -3],
    ['round(2.675, 2)', 2.68],
    ['round(21.449, 1)', 21.4],
    ['(21.449).round(1)', 21.4],
    ['round(1e300, 2)', 1e300],
    ['round(1e-9, 2)', 0],
    ['round(1.5e-7, 7)', 2e-7],
    ['[floor(2.7), ceil(2.1), abs(-3), floor(-0.5)]', [2, 3, 3, -1]],
    ['first([1, 2]) + last([1, 2])', 3],
    ['sort([3, 1, 2])', [1, 2, 3]],
    ['sort(["b", "a"])', ['a', 'b']],
    ['sort([{"t": 2}, {"t": 1}], "t").map(x, x.t)', [1, 2]],
    ['sort([duration("2m"), duration("1m")])', ['60s', '120s']],
    ['sort([true, false])', [false, true]],
    ['reverse([1, 2])', [2, 1]],
    ['size([1, 2]) + size("añ😀") + size({"a": 1}) + len(b"ab") + "ab".size()', 10],
    ['keys({"b": 1, "a": 2})', ['b', 'a']],
    ['values({"b": 1, "a": 2})', [1, 2]],
    ['lower("ÄB") + upper("äb") + trim("  x ")', 'äbÄBx'],
    ['split("a,b", ",")', ['a', 'b']],
    ['split("añ", "")', ['a', 'ñ']],
    ['join([1, "a", true, null], "-")', '1-a-true-'],
    ['["a", "b"].join()', 'ab'],
    ['replace("a.b.c", ".", "$&")', 'a$&b$&c'],
    ['substring("añ😀b", 1, 3) + substring("abc", 2)', 'ñ😀c'],
    ['"abc".contains("b") && "abc".startsWith("a") && "abc".endsWith("c")', true],
    ['"fan-12".matches("^[a-z]+-\\\\d+$") && !"x".matches("y")', true],
    ['matches("abc", "b")', true],
    ['double("3.5") + double(" 2 ") + int("7.9") + int(-2.5)', 10.5],
    ['double("x", 1) + int(null, 2) + double(true)', 4],
    ['string(5) + string(2.5) + string(true) + string(null) + string([1])', '52.5truenull[1]'],
    ['string(b"abc")', 'abc'],
    ['bool("on") && bool("TRUE") && !bool("no") && bool(true)', true],
    [
      '[1, 1.5, "a", null, true, [1], {}].map(x, type(x)).join(" ")',
      'number number string null bool list map',
    ],
    ['[type(now()), type(duration(1)), type(b"")]', ['timestamp', 'duration', 'bytes']],
    ['base64.encode("häus")', 'aMOkdXM='],
    ['base64.decode("aMOkdXM=")', 'häus'],
    ['base64.encode(b"\\xff")', '/w=='],
    ['json.encode({"a": [1, now()]})', '{"a":[1,"2026-07-01T22:30:15.250Z"]}'],
    ['json.decode("{\\"a\\": [1]}").a[0]', 1],
    ['bytes("a") == b"a" && bytes(b"a") == b"a" && b"a" != b"b" && b"YQ==" != "YQ=="', true],
  ])('%s is %j', (text, expected) => {
    expect(evaluate(text)).toEqual(expected);
  });
});

describe('time', () => {
  it.each<[string, Json]>([
    ['now()', '2026-07-01T22:30:15.250Z'],
    ['now() == now()', true],
    ['now() + duration("90m")', '2026-07-02T00:00:15.250Z'],
    ['duration("1d") + now() - duration(86400)', '2026-07-01T22:30:15.250Z'],
    ['now() - timestamp("2026-07-01T22:00:00Z")', '1815.25s'],
    ['now() - timestamp("2026-07-01T22:00:00Z") > duration("30m")', true],
    ['timestamp("2026-07-02T00:30:15.25+02:00") == now()', true],
    ['timestamp("2026-07-01 22:30Z") < now()', true],
    ['timestamp(0)', '1970-01-01T00:00:00.000Z'],
    ['timestamp(now())', '2026-07-01T22:30:15.250Z'],
    ['duration("1h30m")', '5400s'],
    ['duration("-5s") + duration("250ms")', '-4.75s'],
    ['-duration("1m") - duration("1m")', '-120s'],
    ['duration("1m") * 2 + 2 * duration("1m") + duration("1m") / 4', '255s'],
    ['duration(duration("1m")) == duration(60)', true],
    ['double(duration("1m")) + int(timestamp(2.5))', 62],
    ['"in " + duration("1m") + " at " + timestamp(0)', 'in 60s at 1970-01-01T00:00:00.000Z'],
    ['[now().getFullYear(), now().getMonth(), now().getDate(), now().getDayOfMonth()]', [2026, 6, 1, 0]],
    ['[now().getDayOfWeek(), now().getDayOfYear(), now().getHours(), now().getMinutes()]', [3, 181, 22, 30]],
    ['[now().getSeconds(), now().getMilliseconds()]', [15, 250]],
    ['[now().getHours("Europe/Berlin"), now().getDate("Europe/Berlin")]', [0, 2]],
    ['[now().getHours("-03:30"), now().getMinutes("+05:45"), now().getHours("UTC")]', [19, 15, 22]],
    ['timestamp("0001-01-01T00:00:00Z").getFullYear()', 1],
    ['[duration("90m").getHours(), duration("90m").getMinutes(), duration("90s").getSeconds()]', [1, 90, 90]],
    ['duration("1s250ms").getMilliseconds()', 250],
  ])('%s is %j', (text, expected) => {
    expect(evaluate(text)).toEqual(expected);
  });

  it('reads the time to wait until', () => {
    expect(readInstant('1970-01-01T00:00:01Z')).toBe(1000);
    expect(readInstant(1.5)).toBe(1500);
    expect(() => readInstant('soon')).toThrow('"soon" is not a time');
    expect(() => readInstant(null)).toThrow('timestamp wants a string, not null');
  });
});

describe('what functions refuse', () => {
  it.each([
    ['sum(["a"])', 'sum wants numbers, not string'],
    ['sum([1e308, 1e308])', 'sum gives Infinity'],
    ['avg([])', 'avg of an empty list'],
    ['max([])', 'max of an empty list'],
    ['first([])', 'first of an empty list'],
    ['last(null)', 'last wants a list, not null'],
    ['round("a")', 'round wants a number, not string'],
    ['round(1, 20)', 'round wants a whole number from 0 to 15'],
    ['sort([1, "a"])', 'string sorted with number does not work'],
    ['sort([{}], "a")', ''],
    ['sort([{}, {}], "a")', 'an element has no "a"'],
    ['size(5)', 'size wants a list, a map or a string, not number'],
    ['keys([1])', 'keys wants a map, not list'],
    ['lower(5)', 'lower wants a string, not number'],
    ['join([[1]])', 'join wants texts and numbers'],
    ['replace("a", "", "b")', 'replace wants something to look for'],
    ['"a".matches("(?=a)")', 'is not a pattern'],
    ['"a".matches("(")', 'is not a pattern'],
    ['double("abc")', 'double cannot read "abc"'],
    ['double("1e999")', 'double cannot read'],
    ['double([1])', 'double cannot read list'],
    ['bool("maybe")', 'bool cannot read string'],
    ['bool(1)', 'bool cannot read number'],
    ['string(b"\\xff")', 'these bytes are no UTF-8'],
    ['base64.decode("%%")', 'this is not base64'],
    ['base64.decode("/w==")', 'these bytes are no UTF-8'],
    ['base64.encode(5)', 'base64.encode wants a string, not number'],
    ['json.decode("{")', 'json.decode: '],
    ['timestamp("tomorrow")', '"tomorrow" is not a time'],
    ['timestamp("2026-13-01T00:00:00Z")', 'is not a time'],
    ['timestamp("2026-01-01T00:00:00")', 'is not a time'],
    ['timestamp([])', 'timestamp wants a string, not list'],
    ['timestamp(1e300)', 'a time outside the years 1 to 9999'],
    ['duration("soon")', '"soon" is not a duration'],
    ['duration([])', 'duration wants a string, not list'],
    ['duration(1) * 1e308 * 1e308', 'a duration without end'],
    ['duration(1) / 0', 'division by zero'],
    ['"a" / 2', 'string / number does not work'],
    ['1 / "a"', 'number / string does not work'],
    ['"a" * 2', 'string * number does not work'],
    ['"a" % 2', 'string % number does not work'],
    ['now() + 5', 'timestamp + number does not work'],
    ['now().getHours("Mars")', '"Mars" is no time zone'],
    ['"x".getHours()', 'getHours wants a timestamp, not string'],
  ])('%s', (text, message) => {
    if (message === '') expect(evaluate(text)).toEqual([{}]);
    else expect(() => evaluate(text)).toThrow(message);
  });
});
