// What pages say, read without being shown: quick enough for every page in every language. The body of a function of
// the pages' HTML; facts.rs names what comes back.
const name = element => element.outerHTML.replace(/\s+/g, " ").slice(0, 120);
const LABELS = ["aria-label", "placeholder", "title", "alt"];
const read = html => {
    const page = new DOMParser().parseFromString(html, "text/html");
    const all = [...page.querySelectorAll("*")];
    const texts = [];
    const walk = page.createTreeWalker(page.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const text = walk.currentNode.textContent.trim();
        // Codes are codes, and details for technical people stay English.
        const translated = !walk.currentNode.parentElement.closest("code, option, [lang=en]:not(html)");
        if (text && translated) texts.push(text);
    }
    for (const label of LABELS) {
        texts.push(...all.filter(element => element.hasAttribute(label)).map(element => element.getAttribute(label)));
    }
    return {
        lang: page.documentElement.lang,
        dir: page.documentElement.dir,
        title: page.title.trim(),
        headings: page.querySelectorAll("h1").length,
        mains: page.querySelectorAll("main").length,
        alerts: [...page.querySelectorAll("[role=alert]")].map(element => element.textContent.trim()),
        inline: all.filter(element => element.matches("script:not([src]), style, [style]")
            || element.getAttributeNames().some(attribute => attribute.startsWith("on"))).map(name),
        nameless: [...page.querySelectorAll("a, button, h1, h2, label, option, dt, dd")]
            .filter(element => !element.textContent.trim()).map(name),
        texts,
    };
};
return arguments[0].map(read);
