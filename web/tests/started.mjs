// What most files of tests begin with.

import { after } from "node:test";

import { launch, open, serve } from "./browser.mjs";

/** A server, a browser and a page that has the package, and what `ready` makes there; closed after the file's tests. */
export async function started(ready = () => {}) {
  const server = await serve();
  let browser;
  after(async () => {
    await browser?.close();
    server.close();
  });
  browser = await launch();
  const page = await open(browser, server.url);
  await page.evaluate(ready);
  return { server, browser, page };
}
