// A browser that keeps cookies by host and follows redirects, no more.
export class Browser {
  #jar = new Map();

  // Follows redirects; the first address that begins with `until`, which is not asked.
  async walk(url, until) {
    for (let step = 0; step < 25; step += 1) {
      const cookies = this.#cookies(new URL(url).host);
      const header = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
      const answer = await fetch(url, { redirect: "manual", headers: header ? { cookie: header } : {} });
      for (const cookie of answer.headers.getSetCookie()) this.#keep(cookies, cookie);
      const location = answer.headers.get("location");
      if (!location) throw new Error(`${url} answered ${answer.status}:\n${(await answer.text()).slice(0, 2000)}`);
      url = new URL(location, url);
      if (url.href.startsWith(until)) return url;
    }
    throw new Error(`still not there, at ${url}`);
  }

  #cookies(host) {
    if (!this.#jar.has(host)) this.#jar.set(host, new Map());
    return this.#jar.get(host);
  }

  #keep(cookies, header) {
    const [pair, ...attributes] = header.split(/;\s*/);
    const [name, value] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
    const gone = attributes.some((one) => /^max-age=0$/i.test(one) || /^expires=.*1970/i.test(one));
    if (gone) cookies.delete(name);
    else cookies.set(name, value);
  }
}
