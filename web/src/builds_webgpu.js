// An entry without the CPU backend has no use for vectors or threads.

export const relaxed = undefined;

export const threads = undefined;
