// How a page lies on the screen that it is shown on now. The body of a function; facts.rs names what comes back.
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
const wide = () => {
    const found = [];
    const page = document.documentElement.scrollWidth;
    if (page > innerWidth) found.push(`the page is ${page} wide, the window ${innerWidth}`);
    for (const element of seen) {
        const { left, right } = box(element);
        if (left < -1 || right > width + 1) {
            found.push(`sticks out (${Math.round(left)} to ${Math.round(right)}): ${name(element)}`);
        }
        const cuts = getComputedStyle(element).overflowX !== "visible" && !element.matches("input, select");
        if (cuts && element.scrollWidth > element.clientWidth + 1) {
            found.push(`cuts off ${element.scrollWidth - element.clientWidth} px: ${name(element)}`);
        }
    }
    return found;
};
const overflow = wide();
// Text set as WCAG 1.4.12 allows everyone to set it.
const spaced = new CSSStyleSheet();
spaced.replaceSync(`* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important; }
    p { margin-bottom: 2em !important; }`);
document.adoptedStyleSheets = [spaced];
const spacedOverflow = wide();
document.adoptedStyleSheets = [];
return {
    direction: getComputedStyle(document.body).direction,
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
    addresses: [...document.querySelectorAll("link[href], script[src], img[src], source[src], iframe[src], use[href]")]
        .map(element => element.href?.baseVal ?? element.href ?? element.src),
};
