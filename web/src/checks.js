// What is said of arguments that are not as they should be.

/** Refuses options that nobody reads: a misspelt one would be as good as none. */
export function known(what, options, names) {
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new TypeError(`${what}: expected options of ${names.join(", ")}, but got ${unknown}`);
}

export const counted = (what, name, number) => whole(what, name, number, 1);

export function whole(what, name, number, least) {
  if (!Number.isSafeInteger(number) || number < least) {
    throw new RangeError(`${what}: expected ${name} to be whole${least === -Infinity ? "" : ` and at least ${least}`}, but got ${number}`);
  }
}

/** A number for rows and one for columns. */
export function pair(what, name, given) {
  const both = typeof given === "number" ? [given, given] : Array.from(given);
  if (both.length !== 2) throw new TypeError(`${what}: expected ${name} to be a number or [rows, columns], but got [${both}]`);
  both.forEach((number) => whole(what, name, number, 0));
  return both;
}

/** Left, right, top and bottom: of one number, of [rows, columns], or of all four. */
export function sides(what, given) {
  const all = typeof given === "number" ? [given, given] : Array.from(given);
  if (all.length !== 2 && all.length !== 4) {
    throw new TypeError(`${what}: expected padding to be a number, [rows, columns] or [left, right, top, bottom], but got [${all}]`);
  }
  const four = all.length === 4 ? all : [all[1], all[1], all[0], all[0]];
  four.forEach((number) => whole(what, "padding", number, -Infinity));
  return four;
}
