// WebAssembly that shares its memory with workers, for pages that may do so.

export const withThreads = () => import("./threads/convoke_web.js");
