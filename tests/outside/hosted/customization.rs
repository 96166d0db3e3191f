//! Style sheets of administrators, from the API to what the browser paints: `hosted-ui-css.md`, row by row.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::gallery::Findings;
use crate::harness::{Browser, Gateway, Pool, Saml};

/// Class (with `:hover` or `:focus`), property, value; and what the browser must compute of it: property, value. `%`
/// of a width is the part of the container, in whole percent.
const ROWS: [(&str, &str, &str, &str, &str); 59] = [
    ("label-customizable", "font-weight", "900", "font-weight", "900"),
    ("label-customizable", "color", "#123456", "color", "rgb(18, 52, 86)"),
    ("inputField-customizable", "width", "80%", "width", "80%"),
    ("inputField-customizable", "height", "34px", "height", "34px"),
    ("inputField-customizable", "color", "navy", "color", "rgb(0, 0, 128)"),
    (
        "inputField-customizable",
        "background-color",
        "rgb(250 240 230)",
        "background-color",
        "rgb(250, 240, 230)",
    ),
    ("inputField-customizable", "border", "3px solid #a1b2c3", "border-top-width", "3px"),
    ("inputField-customizable", "border", "3px solid #a1b2c3", "border-left-color", "rgb(161, 178, 195)"),
    ("inputField-customizable:focus", "border-color", "#66afe9", "border-bottom-color", "rgb(102, 175, 233)"),
    ("inputField-customizable:focus", "outline", "5px", "outline-width", "5px"),
    ("inputField-customizable:focus", "outline", "5px", "outline-style", "solid"),
    ("textDescription-customizable", "padding-top", "11px", "padding-top", "11px"),
    ("textDescription-customizable", "padding-bottom", "12px", "padding-bottom", "12px"),
    ("textDescription-customizable", "display", "inline", "display", "inline"),
    ("textDescription-customizable", "font-size", "19px", "font-size", "19px"),
    ("submitButton-customizable", "font-size", "21px", "font-size", "21px"),
    ("submitButton-customizable", "font-weight", "bold", "font-weight", "700"),
    ("submitButton-customizable", "margin", "5px 6px 7px 8px", "margin", "5px 6px 7px 8px"),
    ("submitButton-customizable", "width", "70%", "width", "70%"),
    ("submitButton-customizable", "height", "40px", "height", "40px"),
    ("submitButton-customizable", "color", "ivory", "color", "rgb(255, 255, 240)"),
    ("submitButton-customizable", "background-color", "#337ab7", "background-color", "rgb(51, 122, 183)"),
    ("submitButton-customizable:hover", "color", "snow", "color", "rgb(255, 250, 250)"),
    (
        "submitButton-customizable:hover",
        "background-color",
        "#286090",
        "background-color",
        "rgb(40, 96, 144)",
    ),
    ("banner-customizable", "padding", "25px 10px 15px 20px", "padding", "25px 10px 15px 20px"),
    ("banner-customizable", "background-color", "lightgray", "background-color", "rgb(211, 211, 211)"),
    ("idpButton-customizable", "height", "58px", "height", "58px"),
    ("idpButton-customizable", "width", "85%", "width", "85%"),
    ("idpButton-customizable", "text-align", "right", "text-align", "right"),
    ("idpButton-customizable", "margin-bottom", "13px", "margin-bottom", "13px"),
    ("idpButton-customizable", "color", "#fefefe", "color", "rgb(254, 254, 254)"),
    ("idpButton-customizable", "background-color", "#5bc0de", "background-color", "rgb(91, 192, 222)"),
    ("idpButton-customizable", "border-color", "#46b8da", "border-top-color", "rgb(70, 184, 218)"),
    ("idpButton-customizable:hover", "color", "#fdfdfd", "color", "rgb(253, 253, 253)"),
    ("idpButton-customizable:hover", "background-color", "#31b0d5", "background-color", "rgb(49, 176, 213)"),
    ("socialButton-customizable", "height", "60px", "height", "60px"),
    ("socialButton-customizable", "text-align", "center", "text-align", "center"),
    ("socialButton-customizable", "width", "75%", "width", "75%"),
    ("socialButton-customizable", "margin-bottom", "14px", "margin-bottom", "14px"),
    ("idpDescription-customizable", "padding-top", "9px", "padding-top", "9px"),
    ("idpDescription-customizable", "padding-bottom", "8px", "padding-bottom", "8px"),
    ("idpDescription-customizable", "display", "inline", "display", "inline"),
    ("idpDescription-customizable", "font-size", "18px", "font-size", "18px"),
    ("legalText-customizable", "color", "#747474", "color", "rgb(116, 116, 116)"),
    ("legalText-customizable", "font-size", "11px", "font-size", "11px"),
    ("logo-customizable", "max-width", "60%", "max-width", "60%"),
    ("logo-customizable", "max-height", "30%", "max-height", "30%"),
    ("errorMessage-customizable", "margin", "4px 3px 2px 1px", "margin", "4px 3px 2px 1px"),
    ("errorMessage-customizable", "padding", "5px 6px 7px 8px", "padding", "5px 6px 7px 8px"),
    ("errorMessage-customizable", "font-size", "13px", "font-size", "13px"),
    ("errorMessage-customizable", "width", "90%", "width", "90%"),
    ("errorMessage-customizable", "background-color", "#f5f5f5", "background-color", "rgb(245, 245, 245)"),
    ("errorMessage-customizable", "border", "2px solid #d64958", "border-top-width", "2px"),
    ("errorMessage-customizable", "border", "2px solid #d64958", "border-right-color", "rgb(214, 73, 88)"),
    ("errorMessage-customizable", "color", "#d64959", "color", "rgb(214, 73, 89)"),
    ("errorMessage-customizable", "box-sizing", "content-box", "box-sizing", "content-box"),
    ("background-customizable", "background-color", "#faf", "background-color", "rgb(255, 170, 255)"),
    ("passwordCheck-valid-customizable", "color", "#19bf00", "", ""),
    ("passwordCheck-notValid-customizable", "color", "#df3312", "", ""),
];

/// Every rule of [`ROWS`] in one sheet.
fn sheet() -> String {
    let mut sheet = String::new();
    for (class, property, value, ..) in ROWS {
        write!(sheet, ".{class} {{\n  {property}: {value};\n}}\n").unwrap();
    }
    sheet
}

/// A gateway with a page that has every class: the sign-in page, with a logo, after an address that led nowhere.
struct Stage {
    gateway: Gateway,
    pool: Pool,
    browser: Browser,
    _saml: Saml,
}

async fn stage() -> Stage {
    let gateway = Gateway::start().await;
    let saml = Saml::start(&gateway.url()).await;
    let mut domains = saml.provider("Corp", "both");
    domains["identifiers"] = json!(["example.com"]);
    let social = json!({
        "name": "Google", "type": "Google",
        "details": {"client_id": "c", "client_secret": "s", "authorize_scopes": "openid"},
    });
    let names = ["Corp", "Branch", "Google"];
    let providers = json!([domains, saml.provider("Branch", "assertion"), social]);
    let client =
        |name: &str| json!({"name": name, "callbacks": ["https://shop.example/"], "providers": names});
    let pool = gateway.provision(providers, json!([client("Shop"), client("Other")])).await;
    Stage { gateway, pool, browser: Browser::start().await, _saml: saml }
}

impl Stage {
    fn client(&self, name: &str) -> &str {
        self.pool.clients[name]["id"].as_str().unwrap()
    }

    /// `SetUICustomization` for one client, or for all.
    async fn set(&self, client: Option<&str>, css: &str) -> Value {
        let logo = json!({"base64": super::logo::png(400, 200, [200, 30, 30])});
        let mut call = json!({"UserPoolId": self.pool.id, "CSS": css, "ImageFile": logo});
        if let Some(client) = client {
            call["ClientId"] = self.client(client).into();
        }
        self.gateway.call("set_ui_customization", call).await
    }

    fn login(&self, client: &str) -> String {
        let (here, id) = (self.gateway.url(), self.client(client));
        format!("{here}/login?client_id={id}&response_type=code&redirect_uri=https://shop.example/")
    }

    async fn open(&self, client: &str) {
        self.browser.driver.goto(self.login(client)).await.unwrap();
        let address = self.browser.wait("input[type=email]").await;
        address.send_keys("somebody@nowhere.example\n").await.unwrap();
        self.browser.wait(".errorMessage-customizable").await;
    }

    /// What the browser computes for each row, in order.
    async fn computed(&self) -> Vec<String> {
        let mut all = Vec::new();
        for (class, _, _, property, _) in ROWS {
            let (name, state) = class.split_once(':').unwrap_or((class, ""));
            if property.is_empty() {
                all.push(String::new());
                continue;
            }
            let element = self.browser.wait(&format!(".{name}")).await;
            match state {
                "hover" => {
                    let chain = self.browser.driver.action_chain_with_delay(None, None);
                    chain.move_to_element_center(&element).perform().await.unwrap();
                }
                "focus" => element.focus().await.unwrap(),
                _ => self.browser.ask("document.activeElement.blur()", vec![]).await.as_null().unwrap(),
            }
            let arguments = vec![element.to_json().unwrap(), property.into()];
            all.push(self.browser.ask(COMPUTED, arguments).await.as_str().unwrap().to_owned());
        }
        all
    }
}

/// A width is told as a part of what contains it.
const COMPUTED: &str = "const [element, property] = arguments;
    const style = getComputedStyle(element);
    if (property !== 'width') return style.getPropertyValue(property);
    const parent = getComputedStyle(element.parentElement);
    const room = element.parentElement.clientWidth - parseFloat(parent.paddingLeft) - parseFloat(parent.paddingRight);
    return Math.round(100 * parseFloat(style.width) / room) + '%';";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_property_that_the_guide_allows_is_what_the_browser_paints() {
    let stage = stage().await;
    let none = stage.set(Some("Shop"), "").await;
    assert!(none["UICustomization"]["ClientId"].is_string(), "{none}");
    stage.browser.prefer(&[("prefers-reduced-motion", "reduce")]).await;
    stage.open("Shop").await;
    let plain = stage.computed().await;
    let set = stage.set(Some("Shop"), &sheet()).await;
    assert_eq!(set["UICustomization"]["CSS"], sheet(), "{set}");
    // At once, not after a minute.
    stage.open("Shop").await;
    assert_eq!(stage.browser.complaints().await, Vec::<String>::new());
    let mut findings = Findings::default();
    for (((class, property, value, _, wanted), got), before) in
        ROWS.iter().zip(stage.computed().await).zip(plain)
    {
        let place = format!(".{class} {{ {property}: {value} }}");
        findings.check(&place, got == *wanted, format!("{property} is {got}, not {wanted}"));
        // Poolgate's own outline is solid as well.
        if !wanted.is_empty() && *wanted != "solid" {
            findings.check(
                &place,
                before != *wanted,
                "the page is this way without the sheet: try another value",
            );
        }
    }
    for (class, side) in [("idpButton", "right"), ("socialButton", "center")] {
        let gaps = stage.browser.ask(GAPS, vec![format!(".{class}-customizable").into()]).await;
        let (left, right) = (gaps["left"].as_f64().unwrap(), gaps["right"].as_f64().unwrap());
        let there = if side == "right" { right < left / 2.0 } else { (left - right).abs() < 50.0 };
        findings.check(
            format!("text-align of {class}"),
            there,
            format!("the words are not at the {side}: {gaps}"),
        );
    }
    let css =
        stage.browser.ask("return document.querySelectorAll('link[rel=stylesheet]')[1].href", vec![]).await;
    let css = reqwest::get(css.as_str().unwrap()).await.unwrap().text().await.unwrap().replace(' ', "");
    for (class, property, value, ..) in ROWS.iter().filter(|row| row.0.starts_with("passwordCheck")) {
        findings.check(class, css.contains(&format!(".{class}{{{property}:{value}")), "not served");
    }
    findings.assert_none();
    stage.browser.close().await;
}

/// From the words of a button to its edges.
const GAPS: &str = "const button = document.querySelector(arguments[0]), range = document.createRange();
    range.selectNodeContents(button.querySelector('.name'));
    const [outer, inner] = [button.getBoundingClientRect(), range.getBoundingClientRect()];
    return {left: inner.left - outer.left, right: outer.right - inner.right};";

#[tokio::test]
async fn a_forbidden_construct_is_refused_by_its_name_and_line_and_changes_nothing() {
    let gateway = Gateway::start().await;
    let pool = gateway.provision(json!([]), json!([])).await;
    let good = ".label-customizable { color: navy; }\n";
    let all = json!({"UserPoolId": pool.id});
    let mut calls = vec![("set_ui_customization", json!({"UserPoolId": pool.id, "CSS": good}))];
    let rows = [
        ("@import \"https://evil.example/x.css\";", "@import"),
        ("@media print { .label-customizable { color: red; } }", "@media"),
        ("@supports (color: red) { .label-customizable { color: red; } }", "@supports"),
        ("@page { margin: 1px; }", "@page"),
        ("</style><script>alert(1)</script>", ""),
        (".background-customizable { background-color: url(https://evil.example/); }", "url"),
        (".label-customizable { color: expression(alert(1)); }", "expression"),
        (".label-customizable { position: fixed; }", "position"),
        (".label-customizable:hover { color: red; }", ".label-customizable:hover"),
        (".header { color: red; }", "header"),
        ("body { color: red; }", "body"),
        (".inputField-customizable { width: 10px; }", "width"),
        (".submitButton-customizable { color: red !important; }", "important"),
    ];
    for (bad, _) in rows {
        let css = format!("{good}\n{bad}\n");
        calls.push(("set_ui_customization", json!({"UserPoolId": pool.id, "CSS": css})));
    }
    calls.push(("get_ui_customization", all));
    let answers = gateway.calls(&calls).await;
    assert_eq!(answers[0]["UICustomization"]["CSS"], good, "{}", answers[0]);
    for ((bad, name), answer) in rows.iter().zip(&answers[1..]) {
        assert_eq!(answer["error"], "InvalidParameterException", "{bad}: {answer}");
        let message = answer["message"].as_str().unwrap();
        assert!(message.contains(name) && message.contains("line 3"), "{bad}: {message}");
    }
    assert_eq!(answers.last(), answers.first(), "the sheet that stood stands");
}

#[tokio::test]
async fn a_sheet_of_one_client_wins_over_that_of_all() {
    let stage = stage().await;
    for (client, colour) in [(None, "teal"), (Some("Shop"), "olive")] {
        let set =
            stage.set(client, &format!(".background-customizable {{ background-color: {colour}; }}")).await;
        assert!(set.get("error").is_none(), "{set}");
    }
    for (client, colour) in [("Shop", "rgb(128, 128, 0)"), ("Other", "rgb(0, 128, 128)")] {
        stage.browser.driver.goto(stage.login(client)).await.unwrap();
        let body = stage.browser.wait("body").await;
        assert_eq!(
            body.css_value("background-color").await.unwrap().replace("rgba", "rgb").replace(", 1)", ")"),
            colour
        );
    }
    stage.browser.close().await;
}
