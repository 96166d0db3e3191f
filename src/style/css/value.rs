//! What a property takes.

/// One kind of value.
#[derive(Debug)]
pub(super) enum Takes {
    /// A colour of CSS.
    Colour,
    /// Whole hundreds, 100 to 900.
    Weight,
    /// 0 to 100 %.
    Percent,
    /// 0 to 9999 px.
    Pixels,
    /// A length that is not negative.
    Length,
    /// One to four lengths.
    Sides,
    /// Width, style and colour; or none.
    Border,
    /// One of these words; the second part says which to people.
    OneOf(&'static [&'static str], &'static str),
}

impl Takes {
    /// For people.
    pub(super) const fn words(&self) -> &'static str {
        match self {
            Self::Colour => "a CSS colour: a name, #rgb, #rrggbb, rgb(...) or hsl(...)",
            Self::Weight => "100, 200, 300, 400, 500, 600, 700, 800 or 900",
            Self::Percent => "0% to 100%",
            Self::Pixels => "0 to 9999px",
            Self::Length => "a length that is not negative, in px, em, rem, pt or %",
            Self::Sides => {
                "one to four lengths that are not negative (top right bottom left), in px, em, rem, pt or %"
            }
            Self::Border => "a width of 1px to 100px, solid or none, and a colour; or none",
            Self::OneOf(_, words) => words,
        }
    }

    /// The value as it is written anew, in lower case with single spaces; `None` when it is not taken.
    pub(super) fn read(&self, value: &str) -> Option<String> {
        let value = value.to_ascii_lowercase();
        let parts: Vec<&str> = value.split_ascii_whitespace().collect();
        let good = match self {
            Self::Colour => is_colour(&value),
            Self::Weight => matches!(value.as_bytes(), [b'1'..=b'9', b'0', b'0']),
            Self::Percent => within(&value, &["%"], 0.0, 100.0),
            Self::Pixels => within(&value, &["px"], 0.0, 9_999.0),
            Self::Length => is_length(&value),
            Self::Sides => (1..=4).contains(&parts.len()) && parts.iter().all(|part| is_length(part)),
            Self::Border => is_border(&value),
            Self::OneOf(words, _) => words.contains(&value.as_str()),
        };
        good.then(|| parts.join(" "))
    }
}

/// A number with one of these units, or a plain 0, within the bounds.
fn within(text: &str, units: &[&str], least: f64, most: f64) -> bool {
    if text == "0" {
        return least <= 0.0;
    }
    let number = units.iter().find_map(|unit| text.strip_suffix(unit));
    let number = number.filter(|number| {
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        let digits =
            |text: &str| (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        digits(whole) && digits(fraction)
    });
    number
        .and_then(|number| number.parse::<f64>().ok())
        .is_some_and(|number| (least..=most).contains(&number))
}

fn is_length(text: &str) -> bool {
    within(text, &["px", "rem", "em", "pt", "%"], 0.0, 9_999.0)
}

fn is_border(text: &str) -> bool {
    if text == "none" {
        return true;
    }
    let mut parts = text.splitn(3, |letter: char| letter.is_ascii_whitespace());
    let (Some(width), Some(style), Some(colour)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    within(width, &["px"], 1.0, 100.0) && matches!(style, "solid" | "none") && is_colour(colour.trim_start())
}

/// Functions that make a colour of numbers (CSS Color 4).
const FUNCTIONS: [&str; 9] = ["rgb", "rgba", "hsl", "hsla", "hwb", "lab", "lch", "oklab", "oklch"];

fn is_colour(text: &str) -> bool {
    if let Some(digits) = text.strip_prefix('#') {
        return matches!(digits.len(), 3 | 4 | 6 | 8) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    }
    if let Some((name, arguments)) = text.split_once('(') {
        let numbers = arguments.strip_suffix(')').is_some_and(|inside| {
            (1..=48).contains(&inside.len())
                && inside.bytes().all(|byte| byte.is_ascii_digit() || b" ,./%-".contains(&byte))
        });
        return FUNCTIONS.contains(&name) && numbers;
    }
    NAMED.split_ascii_whitespace().any(|name| name == text)
}

/// The named colours of CSS Color 4, and the two words that stand for one.
const NAMED: &str = "transparent currentcolor \
    aliceblue antiquewhite aqua aquamarine azure beige bisque black blanchedalmond blue blueviolet brown burlywood \
    cadetblue chartreuse chocolate coral cornflowerblue cornsilk crimson cyan darkblue darkcyan darkgoldenrod \
    darkgray darkgreen darkgrey darkkhaki darkmagenta darkolivegreen darkorange darkorchid darkred darksalmon \
    darkseagreen darkslateblue darkslategray darkslategrey darkturquoise darkviolet deeppink deepskyblue dimgray \
    dimgrey dodgerblue firebrick floralwhite forestgreen fuchsia gainsboro ghostwhite gold goldenrod gray green \
    greenyellow grey honeydew hotpink indianred indigo ivory khaki lavender lavenderblush lawngreen lemonchiffon \
    lightblue lightcoral lightcyan lightgoldenrodyellow lightgray lightgreen lightgrey lightpink lightsalmon \
    lightseagreen lightskyblue lightslategray lightslategrey lightsteelblue lightyellow lime limegreen linen \
    magenta maroon mediumaquamarine mediumblue mediumorchid mediumpurple mediumseagreen mediumslateblue \
    mediumspringgreen mediumturquoise mediumvioletred midnightblue mintcream mistyrose moccasin navajowhite navy \
    oldlace olive olivedrab orange orangered orchid palegoldenrod palegreen paleturquoise palevioletred papayawhip \
    peachpuff peru pink plum powderblue purple rebeccapurple red rosybrown royalblue saddlebrown salmon sandybrown \
    seagreen seashell sienna silver skyblue slateblue slategray slategrey snow springgreen steelblue tan teal \
    thistle tomato turquoise violet wheat white whitesmoke yellow yellowgreen";
