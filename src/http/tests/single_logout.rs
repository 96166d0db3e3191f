//! Single logout with SAML providers, both ways.

use time::Duration;
use time::format_description::well_known::Rfc3339;

use super::house::{Answer, Browser, CALLBACK, House, LOGGED_OUT, POOL, query};
use super::moods::Mood;
use super::saml::{self, BOTH, Binding, Idp, Message, SUCCESS, assert_signed_by_us, attribute, message};
use super::token::assert_refused;
use crate::context::digest_name;
use crate::registry::Edit;
use crate::sessions::{Key, Kind};

const STATUS: &str = "urn:oasis:names:tc:SAML:2.0:status:";

pub(super) async fn with_corp(more: &[(&str, &str)]) -> (House, Idp) {
    let house = House::build().await;
    let corp = Idp::new("Corp", saml::Key::good());
    corp.move_in(&house, more).await;
    (house, corp)
}

/// Somebody who signed in, in one browser: session, tokens, and a code that is not redeemed yet.
pub(super) struct Person {
    pub(super) browser: Browser,
    pub(super) access: String,
    pub(super) refresh: String,
    pub(super) code: String,
}

impl Person {
    pub(super) async fn arrives(house: &House, idp: &Idp, subject: &str, session: &str) -> Self {
        let mut browser = Browser::default();
        let code = idp.sign_in(house, &mut browser, subject, session).await.code();
        Self::with(house, browser, &code).await
    }

    /// Who came back to the app with this code.
    pub(super) async fn with(house: &House, mut browser: Browser, code: &str) -> Self {
        let tokens = house.redeem(code, &[]).await;
        assert_eq!(tokens.status, 200, "{tokens:?}");
        let text = |name: &str| tokens.json()[name].as_str().unwrap().to_owned();
        let (access, refresh) = (text("access_token"), text("refresh_token"));
        let code = house.authorize(&mut browser, &[("prompt", "none")]).await.code();
        Self { browser, access, refresh, code }
    }

    pub(super) async fn has_session(&self, house: &House) -> bool {
        let answer = house.authorize(&mut self.browser.clone(), &[("prompt", "none")]).await;
        answer.told("code").is_some()
    }

    pub(super) async fn assert_tokens_live(&self, house: &House) {
        let refreshed = house.refresh("app", &self.refresh).await;
        assert_eq!(refreshed.status, 200, "{refreshed:?}");
        let fresh = refreshed.json()["access_token"].as_str().unwrap().to_owned();
        assert_eq!(house.user_info(&fresh).await.status, 200, "a refreshed token is good");
        let redeemed = house.redeem(&self.code, &[]).await;
        assert_eq!(redeemed.status, 200, "{redeemed:?}");
    }

    pub(super) async fn assert_all_live(&self, house: &House) {
        assert!(self.has_session(house).await);
        assert_eq!(house.user_info(&self.access).await.status, 200);
        self.assert_tokens_live(house).await;
    }

    pub(super) async fn assert_all_over(&self, house: &House) {
        assert!(!self.has_session(house).await, "the session");
        let refreshed = house.refresh("app", &self.refresh).await;
        assert_refused("refresh", &refreshed, 400, "invalid_grant");
        assert_eq!(refreshed.json()["error_description"], "Refresh Token has been revoked");
        assert_refused("code", &house.redeem(&self.code, &[]).await, 400, "invalid_grant");
        assert_eq!(house.user_info(&self.access).await.status, 401, "the access token");
    }
}

pub(super) async fn log_out(house: &House, browser: &mut Browser, more: &[(&str, &str)]) -> Answer {
    let pairs: Vec<_> = [("client_id", "app")].iter().chain(more).copied().collect();
    house.get(browser, &format!("/logout?{}", query(&pairs))).await
}

pub(super) const TO_APP: &[(&str, &str)] = &[("logout_uri", LOGGED_OUT), ("state", "s &")];
pub(super) const BACK: &str = "https://app.example/bye?state=s+%26";

pub(super) fn assert_page(answer: &Answer, code: &str) {
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(answer.header("content-type").starts_with("text/html"), "{answer:?}");
    assert!(answer.body.contains(code), "expected {code}: {}", answer.body);
    assert!(answer.body.contains(answer.header("x-amzn-requestid")));
}

#[actix_web::test]
async fn a_sign_out_goes_by_the_provider_and_its_answer_leads_on_without_a_cookie() {
    let (house, corp) = with_corp(&[]).await;
    for binding in BOTH {
        let mut person = Person::arrives(&house, &corp, "alice", "s&amp;1").await;
        let leaving = log_out(&house, &mut person.browser.clone(), TO_APP).await;
        assert!(leaving.header("set-cookie").contains("Max-Age=0"), "{leaving:?}");
        assert!(!person.has_session(&house).await, "it has ended here before the provider answers");
        let location = leaving.location();
        assert!(location.as_str().starts_with("https://corp.example/slo?SAMLRequest="), "{location}");
        assert_signed_by_us(&house, &location);
        let request = message(&location);
        assert!(request.contains("<samlp:SessionIndex>s&amp;1</samlp:SessionIndex>"), "{request}");
        let name = &request[request.find("<saml:NameID").unwrap()..];
        assert_eq!(attribute(name, "Format"), "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent");
        assert_eq!(attribute(name, "NameQualifier"), "nq");
        assert!(name.contains(">alice</saml:NameID>"), "{request}");
        let answer = corp.answer(&house, &attribute(&request, "ID"), SUCCESS);
        assert_eq!(corp.send(&house, binding, &answer).await.header("location"), BACK);
        assert_page(&corp.send(&house, binding, &answer).await, "sign_out_unknown");
        person.browser.0.clear();
        person.assert_tokens_live(&house).await;
    }
}

#[actix_web::test]
async fn whatever_became_of_it_there_the_browser_goes_on() {
    let (house, corp) = with_corp(&[]).await;
    let code = |name: &str, inner: &str| {
        format!("<samlp:StatusCode Value=\"{STATUS}{name}\">{inner}</samlp:StatusCode>")
    };
    let login = query(&[("client_id", "app"), ("redirect_uri", CALLBACK), ("response_type", "code")]);
    let login = format!("/login?{login}");
    type Row<'a> = (String, &'a [(&'a str, &'a str)], u16, &'a str);
    let rows: [Row<'_>; 4] = [
        (code("Success", &code("PartialLogout", "")), TO_APP, 302, BACK),
        (code("Responder", ""), &[("redirect_uri", CALLBACK), ("response_type", "code")], 302, &login),
        (code("Requester", &code("UnknownPrincipal", "")), &[], 200, ""),
        (SUCCESS.to_owned(), &[("post_logout_redirect_uri", LOGGED_OUT)], 302, LOGGED_OUT),
    ];
    for (status, to, expected, location) in rows {
        let mut browser = Browser::default();
        corp.sign_in(&house, &mut browser, "alice", "s1").await.code();
        let leaving = log_out(&house, &mut browser, to).await.location();
        let answer = corp.answer(&house, &attribute(&message(&leaving), "ID"), &status);
        let reply = corp.send(&house, Binding::Post, &answer).await;
        assert_eq!((reply.status.as_u16(), reply.header("location")), (expected, location), "{status}");
    }
}

#[actix_web::test]
async fn an_answer_that_is_not_believed_uses_nothing_up() {
    let (house, corp) = with_corp(&[]).await;
    let rival = Idp::new("Rival", saml::Key::evil());
    rival.move_in(&house, &[]).await;
    let mut browser = Browser::default();
    corp.sign_in(&house, &mut browser, "alice", "s1").await.code();
    let leaving = log_out(&house, &mut browser, TO_APP).await.location();
    let id = attribute(&message(&leaving), "ID");
    for binding in BOTH {
        let good = corp.answer(&house, &id, SUCCESS);
        let forged = Idp { key: saml::Key::evil(), ..corp.clone() };
        assert_page(&forged.send(&house, binding, &good).await, "saml_unknown_key");
        assert_page(&corp.send_signed(&house, binding, &good, false).await, "saml_unsigned");
        assert_page(&rival.send(&house, binding, &good).await, "sign_out_unknown");
        let elsewhere = Message { attributes: good.attributes.replace("/saml2/logout", "/x"), ..good };
        assert_page(&corp.send(&house, binding, &elsewhere).await, "saml_destination");
        let unasked = corp.answer(&house, "_another", SUCCESS);
        assert_page(&corp.send(&house, binding, &unasked).await, "sign_out_unknown");
    }
    house.advance(Duration::minutes(4));
    let good = corp.answer(&house, &id, SUCCESS);
    assert_eq!(corp.send(&house, Binding::Redirect, &good).await.header("location"), BACK);
}

#[actix_web::test]
async fn a_sign_out_waits_five_minutes_for_its_answer() {
    let (house, corp) = with_corp(&[]).await;
    let mut browser = Browser::default();
    corp.sign_in(&house, &mut browser, "alice", "s1").await.code();
    let leaving = log_out(&house, &mut browser, TO_APP).await.location();
    house.advance(Duration::minutes(5));
    let late = corp.answer(&house, &attribute(&message(&leaving), "ID"), SUCCESS);
    assert_page(&corp.send(&house, Binding::Post, &late).await, "sign_out_unknown");
}

#[actix_web::test]
async fn an_answer_at_another_pool_is_none() {
    let (house, corp) = with_corp(&[]).await;
    house.second_pool().await;
    let mut there = corp.provider(&[]);
    there.user_pool_id = "us-east-1_Tests0002".to_owned();
    house.edit(vec![Edit::CreateProvider(there)]).await;
    let mut browser = Browser::default();
    corp.sign_in(&house, &mut browser, "alice", "s1").await.code();
    let leaving = log_out(&house, &mut browser, TO_APP).await.location();
    let id = attribute(&message(&leaving), "ID");
    let mut answer = corp.answer(&house, &id, SUCCESS);
    answer.attributes = answer.attributes.replace("//localhost", "//other.localhost");
    assert_page(&corp.send_to(&house, "other.localhost", &answer).await, "sign_out_unknown");
    let answer = corp.answer(&house, &id, SUCCESS);
    assert_eq!(corp.send(&house, Binding::Redirect, &answer).await.header("location"), BACK);
}

#[actix_web::test]
async fn two_tabs_sign_out_side_by_side() {
    let (house, corp) = with_corp(&[]).await;
    let mut first = Browser::default();
    corp.sign_in(&house, &mut first, "alice", "s1").await.code();
    let mut second = first.clone();
    let leaving = log_out(&house, &mut first, TO_APP).await.location();
    // The session is gone: there is nothing to tell the provider any more.
    assert_eq!(log_out(&house, &mut second, TO_APP).await.header("location"), BACK);
    let answer = corp.answer(&house, &attribute(&message(&leaving), "ID"), SUCCESS);
    assert_eq!(corp.send(&house, Binding::Post, &answer).await.header("location"), BACK);
}

#[actix_web::test]
async fn without_idp_signout_or_an_address_the_provider_is_not_asked() {
    let (house, corp) = with_corp(&[("IDPSignout", "false")]).await;
    let silent = Idp { endpoints: String::new(), ..Idp::new("Silent", saml::Key::good()) };
    silent.move_in(&house, &[]).await;
    for idp in [corp, silent] {
        let mut browser = Browser::default();
        idp.sign_in(&house, &mut browser, "alice", "s1").await.code();
        assert_eq!(log_out(&house, &mut browser, TO_APP).await.header("location"), BACK, "{}", idp.name);
    }
}

#[actix_web::test]
async fn a_sign_out_that_cannot_be_kept_ends_nothing() {
    let (house, corp) = with_corp(&[]).await;
    let person = Person::arrives(&house, &corp, "alice", "s1").await;
    house.sessions.becomes(Mood::Away);
    let answer = log_out(&house, &mut person.browser.clone(), TO_APP).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    house.sessions.becomes(Mood::Well);
    assert!(person.has_session(&house).await);
}

/// The status codes of our answer, from outside in, with everything else about it checked.
fn told(house: &House, reply: &Answer, request: &Message) -> Vec<String> {
    let location = reply.location();
    assert!(location.as_str().starts_with("https://corp.example/slo-answer?SAMLResponse="), "{location}");
    assert_signed_by_us(house, &location);
    assert_eq!(reply.told("RelayState").as_deref(), Some("theirs & ours"));
    let answer = message(&location);
    assert_eq!(attribute(&answer, "InResponseTo"), request.id);
    answer.split(STATUS).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

#[actix_web::test]
async fn the_provider_ends_every_session_of_a_person_with_its_tokens_and_nothing_else() {
    for binding in BOTH {
        let (house, corp) = with_corp(&[]).await;
        let rival = Idp::new("Rival", saml::Key::evil());
        rival.move_in(&house, &[]).await;
        let desk = Person::arrives(&house, &corp, "alice", "s1").await;
        let phone = Person::arrives(&house, &corp, "alice", "s2").await;
        let bob = Person::arrives(&house, &corp, "bob", "s1").await;
        let namesake = Person::arrives(&house, &rival, "alice", "s1").await;
        house.advance(Duration::milliseconds(300));
        let request = corp.request(&house, "alice", &[]);
        let reply = corp.send(&house, binding, &request).await;
        assert_eq!(told(&house, &reply, &request), ["Success"], "{binding:?}");
        desk.assert_all_over(&house).await;
        phone.assert_all_over(&house).await;
        bob.assert_all_live(&house).await;
        namesake.assert_all_live(&house).await;
        // In the same second, somebody who signs in anew is signed in.
        house.advance(Duration::milliseconds(1));
        Person::arrives(&house, &corp, "alice", "s3").await.assert_all_live(&house).await;
        desk.assert_all_over(&house).await;
    }
}

#[actix_web::test]
async fn a_session_index_ends_that_session_alone() {
    let (house, corp) = with_corp(&[]).await;
    let desk = Person::arrives(&house, &corp, "alice", "s1").await;
    let phone = Person::arrives(&house, &corp, "alice", "s2").await;
    house.advance(Duration::milliseconds(1));
    let request = corp.request(&house, "alice", &["s1", "s9"]);
    let reply = corp.send(&house, Binding::Redirect, &request).await;
    assert_eq!(told(&house, &reply, &request), ["Success"]);
    desk.assert_all_over(&house).await;
    assert!(phone.has_session(&house).await);
    house.advance(Duration::milliseconds(1));
    phone.assert_tokens_live(&house).await;
    assert_eq!(house.user_info(&phone.access).await.status, 401, "access tokens do not say which session");
}

#[actix_web::test]
async fn what_is_not_believed_ends_nothing() {
    let (house, corp) = with_corp(&[]).await;
    let rival = Idp::new("Rival", saml::Key::evil());
    rival.move_in(&house, &[]).await;
    let alice = Person::arrives(&house, &corp, "alice", "s1").await;
    for binding in BOTH {
        let good = corp.request(&house, "alice", &[]);
        let with =
            |from: &str, to: &str| Message { attributes: good.attributes.replace(from, to), ..good.clone() };
        let forged = Idp { key: saml::Key::evil(), ..corp.clone() };
        let stranger = Idp { entity: "https://nobody.example".into(), ..corp.clone() };
        assert_page(&corp.send_signed(&house, binding, &good, false).await, "saml_unsigned");
        assert_page(&forged.send(&house, binding, &good).await, "saml_unknown_key");
        assert_page(&stranger.send(&house, binding, &good).await, "saml_issuer");
        assert_page(
            &corp.send(&house, binding, &with("/saml2/logout", "/saml2/idpresponse")).await,
            "saml_destination",
        );
        assert_page(&corp.send(&house, binding, &with("2026", "2025")).await, "saml_issue_instant");
        assert_page(&corp.send(&house, binding, &with("2.0", "1.1")).await, "saml_version");
        let nobody = Message { body: String::new(), ..good.clone() };
        assert_page(&corp.send(&house, binding, &nobody).await, "saml_name_id");
        // Another provider's person of the same name is another person.
        let request = rival.request(&house, "alice", &[]);
        let reply = rival.send(&house, binding, &request).await;
        assert!(message(&reply.location()).contains("UnknownPrincipal"), "{reply:?}");
    }
    alice.assert_all_live(&house).await;
}

#[actix_web::test]
async fn a_replayed_request_ends_no_later_session() {
    for binding in BOTH {
        let (house, corp) = with_corp(&[]).await;
        Person::arrives(&house, &corp, "alice", "s1").await;
        let request = corp.request(&house, "alice", &[]);
        assert_eq!(corp.send(&house, binding, &request).await.status, 302);
        house.advance(Duration::seconds(1));
        let back = Person::arrives(&house, &corp, "alice", "s2").await;
        for again in BOTH {
            assert_page(&corp.send(&house, again, &request).await, "saml_replay");
        }
        back.assert_all_live(&house).await;
    }
}

#[actix_web::test]
async fn a_person_who_is_not_known_here_is_said_to_be_unknown() {
    let (house, corp) = with_corp(&[]).await;
    let alice = Person::arrives(&house, &corp, "alice", "s1").await;
    for nobody in ["bob", "Alice", "Corp_alice"] {
        let request = corp.request(&house, nobody, &[]);
        let reply = corp.send(&house, Binding::Post, &request).await;
        assert_eq!(told(&house, &reply, &request), ["Requester", "UnknownPrincipal"], "{nobody}");
    }
    alice.assert_all_live(&house).await;
}

#[actix_web::test]
async fn where_a_sign_out_ends_sessions_only_tokens_live_on() {
    let (house, corp) = with_corp(&[("logout_ends", "session")]).await;
    let alice = Person::arrives(&house, &corp, "alice", "s1").await;
    let request = corp.request(&house, "alice", &[]);
    let reply = corp.send(&house, Binding::Post, &request).await;
    assert_eq!(told(&house, &reply, &request), ["Success"]);
    assert!(!alice.has_session(&house).await);
    assert_eq!(house.user_info(&alice.access).await.status, 200);
    alice.assert_tokens_live(&house).await;
}

#[actix_web::test]
async fn a_sign_out_is_acknowledged_only_when_it_is_kept() {
    let (house, corp) = with_corp(&[]).await;
    let alice = Person::arrives(&house, &corp, "alice", "s1").await;
    let request = corp.request(&house, "alice", &[]);
    house.sessions.becomes(Mood::Away);
    assert_eq!(corp.send(&house, Binding::Post, &request).await.status, 503);
    house.sessions.becomes(Mood::Well);
    house.directory.becomes(Mood::Away);
    let reply = corp.send(&house, Binding::Post, &request).await;
    assert_eq!(told(&house, &reply, &request), ["Responder"]);
    assert!(!message(&reply.location()).contains("fishing"), "the reason is for the log");
    house.directory.becomes(Mood::Well);
    alice.assert_all_live(&house).await;
}

#[actix_web::test]
async fn a_provider_that_takes_no_answer_still_ends_its_sessions() {
    let (house, corp) = with_corp(&[]).await;
    let silent = Idp { endpoints: String::new(), ..Idp::new("Silent", saml::Key::good()) };
    silent.move_in(&house, &[]).await;
    let alice = Person::arrives(&house, &silent, "alice", "s1").await;
    let reply = silent.send(&house, Binding::Post, &silent.request(&house, "alice", &[])).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(reply.body.contains("signed out"));
    alice.assert_all_over(&house).await;
    drop(corp);
}

#[actix_web::test]
async fn of_two_providers_of_one_entity_id_those_end_whose_key_signed() {
    let (house, corp) = with_corp(&[]).await;
    let twin = Idp { name: "Twin", ..corp.clone() };
    let impostor = Idp { name: "Apostor", key: saml::Key::evil(), ..corp.clone() };
    twin.move_in(&house, &[]).await;
    impostor.move_in(&house, &[]).await;
    let here = Person::arrives(&house, &corp, "alice", "s1").await;
    let there = Person::arrives(&house, &twin, "alice", "s1").await;
    let elsewhere = Person::arrives(&house, &impostor, "alice", "s1").await;
    let request = impostor.request(&house, "alice", &[]);
    assert_eq!(
        told(&house, &impostor.send(&house, Binding::Redirect, &request).await, &request),
        ["Success"]
    );
    elsewhere.assert_all_over(&house).await;
    assert!(here.has_session(&house).await && there.has_session(&house).await);
    let back = Person::arrives(&house, &impostor, "alice", "s2");
    house.advance(Duration::milliseconds(1));
    let back = back.await;
    let request = corp.request(&house, "alice", &[]);
    assert_eq!(told(&house, &corp.send(&house, Binding::Redirect, &request).await, &request), ["Success"]);
    here.assert_all_over(&house).await;
    there.assert_all_over(&house).await;
    back.assert_all_live(&house).await;
    assert_page(&corp.send(&house, Binding::Redirect, &request).await, "saml_replay");
}

#[actix_web::test]
async fn what_was_issued_before_sign_ins_were_told_apart_ends_with_any_sign_out_since() {
    let (house, corp) = with_corp(&[]).await;
    let alice = Person::arrives(&house, &corp, "alice", "s1").await;
    let snapshot = house.state.context.registry.snapshot();
    let pool = snapshot.pool(POOL).unwrap();
    // Capsule and session as an earlier version made them.
    let key = pool.keys.refresh_token(house.state.context.now());
    let mut content: serde_json::Value = key.open(&alice.refresh).unwrap();
    content.as_object_mut().unwrap().remove("provenance").unwrap();
    let refresh = key.seal(house.state.context.random(), &content).unwrap();
    let name = Key::new(Kind::Session, digest_name(alice.browser.session()));
    let stored = house.sessions.inner.get(&name).await.unwrap().unwrap();
    let mut stored: serde_json::Value = serde_json::from_slice(&stored).unwrap();
    stored.as_object_mut().unwrap().remove("signed_in_at").unwrap();
    house.sessions.inner.exchange(&name, stored.to_string().into_bytes()).await.unwrap();
    let old = Person { refresh, ..alice };
    old.assert_all_live(&house).await;
    let request = corp.request(&house, "alice", &["s1"]);
    assert_eq!(corp.send(&house, Binding::Post, &request).await.status, 302);
    assert!(!old.has_session(&house).await);
    assert_refused("refresh", &house.refresh("app", &old.refresh).await, 400, "invalid_grant");
    house.advance(Duration::seconds(1));
    let mut later: serde_json::Value = content;
    later["issued_at"] = house.state.context.now().unix_timestamp().into();
    let later = key.seal(house.state.context.random(), &later).unwrap();
    assert_eq!(house.refresh("app", &later).await.status, 200, "a later one is good");
}

#[actix_web::test]
async fn a_form_that_is_no_message_is_a_page() {
    let (house, _) = with_corp(&[]).await;
    for form in [
        &[][..],
        &[("SAMLRequest", "eA=="), ("SAMLRequest", "eA==")],
        &[("SAMLRequest", "eA=="), ("SAMLResponse", "eA==")],
        &[("RelayState", "x")],
    ] {
        assert_page(&house.post_form("/saml2/logout", form).await, "saml_logout_message");
    }
    let large = "A".repeat(1024 * 1024);
    assert_page(&house.post_form("/saml2/logout", &[("SAMLRequest", &large)]).await, "saml_limits");
    assert_page(&house.get(&mut Browser::default(), "/saml2/logout").await, "saml_logout_message");
    let json = house.post_with("/saml2/logout", &[], &[("content-type", "application/json")]).await;
    assert_page(&json, "saml_logout_message");
}

#[actix_web::test]
async fn a_sign_out_ends_a_refresh_token_for_as_long_as_that_would_have_lived() {
    let (house, corp) = with_corp(&[]).await;
    let alice = Person::arrives(&house, &corp, "alice", "s1").await;
    let request = corp.request(&house, "alice", &[]);
    corp.send(&house, Binding::Post, &request).await;
    house.advance(Duration::days(29));
    // A write forgets what is over.
    Person::arrives(&house, &corp, "bob", "s1").await;
    let refreshed = house.refresh("app", &alice.refresh).await;
    assert_refused("refresh", &refreshed, 400, "invalid_grant");
    assert_eq!(refreshed.json()["error_description"], "Refresh Token has been revoked");
}

#[actix_web::test]
async fn a_session_ends_when_the_provider_says_that_its_own_does() {
    let (house, corp) = with_corp(&[]).await;
    let end = (house.state.context.now() + Duration::minutes(20)).format(&Rfc3339).unwrap();
    let lasting = format!("s1\" SessionNotOnOrAfter=\"{end}");
    let alice = Person::arrives(&house, &corp, "alice", &lasting).await;
    house.advance(Duration::minutes(20) - Duration::SECOND);
    assert!(alice.has_session(&house).await);
    house.advance(Duration::SECOND);
    assert!(!alice.has_session(&house).await);
}
