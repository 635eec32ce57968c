// An entry without the CPU backend has no use for threads.

export const withThreads = undefined;
