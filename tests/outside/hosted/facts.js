// What a page is like on the screen that it is shown on now. The body of a function; facts.rs names what comes back.
const all = [...document.body.querySelectorAll("*")].filter(element => !element.closest("svg *"));
const shown = element => element.checkVisibility({ checkOpacity: true, visibilityProperty: true });
const box = element => element.getBoundingClientRect();
// Said to screen readers only: a pixel, clipped.
const unseen = element => box(element).width <= 1 || box(element).height <= 1;
const name = element => element.outerHTML.replace(/\s+/g, " ").slice(0, 120);
const seen = all.filter(element => shown(element) && !unseen(element) && !element.closest("[aria-hidden=true] *"));
const controls = seen.filter(element => element.matches(
    "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]:not([tabindex='-1'])"));
const width = document.documentElement.clientWidth;

// Text set as WCAG 1.4.12 allows everyone to set it.
const spaced = new CSSStyleSheet();
spaced.replaceSync(`* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important; }
    p { margin-bottom: 2em !important; }`);
const wide = () => {
    const found = [];
    const page = document.documentElement.scrollWidth;
    if (page > innerWidth) found.push(`the page is ${page} wide, the window ${innerWidth}`);
    for (const element of seen) {
        const { left, right } = box(element);
        if (left < -1 || right > width + 1) found.push(`sticks out (${left} to ${right}): ${name(element)}`);
        const cuts = getComputedStyle(element).overflowX !== "visible" && !element.matches("input, select");
        if (cuts && element.scrollWidth > element.clientWidth + 1) {
            found.push(`cuts off ${element.scrollWidth - element.clientWidth} px: ${name(element)}`);
        }
    }
    return found;
};
const texts = [];
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
    const text = walk.currentNode.textContent.trim();
    const ours = !walk.currentNode.parentElement.closest("code, script, style, option, [lang=en]:not(html)");
    if (text && ours) texts.push(text);
}
for (const element of all) {
    for (const attribute of ["aria-label", "placeholder", "title"]) {
        if (element.hasAttribute(attribute)) texts.push(element.getAttribute(attribute));
    }
}
const overflow = wide();
document.adoptedStyleSheets = [spaced];
const spacedOverflow = wide();
document.adoptedStyleSheets = [];
return {
    lang: document.documentElement.lang,
    dir: document.documentElement.dir,
    direction: getComputedStyle(document.body).direction,
    title: document.title,
    headings: document.querySelectorAll("h1").length,
    mains: document.querySelectorAll("main").length,
    alerts: [...document.querySelectorAll("[role=alert]")].map(element => element.innerText.trim()),
    inline: [...document.querySelectorAll("script:not([src]), style, [style], *")].filter(element =>
        element.matches("script:not([src]), style, [style]")
        || element.getAttributeNames().some(attribute => attribute.startsWith("on"))).map(name),
    addresses: [...document.querySelectorAll("link[href], script[src], img[src], source[src], iframe[src], use[href]")]
        .map(element => element.href?.baseVal ?? element.href ?? element.src),
    texts,
    overflow,
    spacedOverflow,
    small: controls.filter(element => Math.min(box(element).width, box(element).height) < 24).map(element =>
        `${Math.round(box(element).width)} by ${Math.round(box(element).height)}: ${name(element)}`),
    moving: document.getAnimations().filter(one => one.playState === "running").map(one => name(one.effect.target)),
    // With forced colours, what tells a control from text is a border, an underline or the system's own look.
    flat: controls.filter(element => {
        const style = getComputedStyle(element);
        return parseFloat(style.borderTopWidth) === 0 && !style.textDecorationLine.includes("underline")
            && style.appearance === "none";
    }).map(name),
};
