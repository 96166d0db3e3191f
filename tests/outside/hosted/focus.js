// Walks of the Tab key. The body of a function: "begin" notes every control as it looks without focus; "at" tells of
// the control that has the focus now.
const [what] = arguments;
const controls = () => [...document.querySelectorAll(
    "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]")]
    .filter(element => element.checkVisibility({ visibilityProperty: true }) && element.tabIndex >= 0);
const name = element => element.outerHTML.replace(/\s+/g, " ").slice(0, 120);
const look = element => {
    const style = getComputedStyle(element);
    const outline = style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth);
    return { outline, colour: style.outlineColor, offset: parseFloat(style.outlineOffset), shadow: style.boxShadow };
};
if (what === "begin") {
    window.unfocused = new Map(controls().map(element => [element, look(element)]));
    return window.unfocused.size;
}
const brush = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const paint = colour => {
    brush.clearRect(0, 0, 1, 1);
    brush.fillStyle = colour;
    brush.fillRect(0, 0, 1, 1);
    return [...brush.getImageData(0, 0, 1, 1).data];
};
const luminance = ([red, green, blue]) => {
    const part = value => (value /= 255, value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part(red) + 0.7152 * part(green) + 0.0722 * part(blue);
};
const contrast = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
};
// The first ground under an outline that lets nothing through.
const ground = element => {
    for (let at = element; at; at = at.parentElement) {
        const colour = paint(getComputedStyle(at).backgroundColor);
        if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
};
const element = document.activeElement;
if (!element || element === document.body) return null;
const { left, right, top, bottom } = element.getBoundingClientRect();
const style = look(element);
const before = window.unfocused.get(element);
const middle = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
const outlined = style.outline >= 2;
return {
    name: name(element),
    index: before === undefined ? null : [...window.unfocused.keys()].indexOf(element),
    left, right, top: top + scrollY, bottom: bottom + scrollY,
    marked: before !== undefined && (outlined && before.outline === 0 || style.shadow !== before.shadow),
    contrast: outlined ? contrast(paint(style.colour), ground(style.offset < 0 ? element : element.parentElement)) : null,
    covered: !(middle && element.contains(middle)),
};
