//! `callback=own`: each provider answers at an address of its own, so that none can pass another's answer on.

use super::house::{Answer, Browser, House, callback_path, oidc, person};
use crate::pool::IdentityProvider;
use crate::registry::Edit;

const NAME: &str = "Ümlaut +=.@- Corp";

fn own(name: &str) -> IdentityProvider {
    let mut provider = oidc(name);
    let details = &mut provider.provider_details;
    details.insert("oidc_issuer".into(), "https://own.example".into());
    details.insert("callback".into(), "own".into());
    provider
}

/// A house with a provider of this name beside Acme, which shares its address.
async fn with_own(name: &str) -> House {
    let house = House::build().await;
    house.edit(vec![Edit::CreateProvider(own(name))]).await;
    house.change_client("app", |client| client.supported_identity_providers.push(name.to_owned())).await;
    house
}

async fn leaves(house: &House, browser: &mut Browser, provider: &str) -> Answer {
    house.authorize(browser, &[("identity_provider", provider)]).await
}

/// The way back, at this address.
fn back(leaving: &Answer, address: &str) -> String {
    callback_path(leaving, &person("alice")).replacen("/oauth2/idpresponse", address, 1)
}

fn path_of(leaving: &Answer) -> String {
    let address: url::Url = leaving.told("redirect_uri").unwrap().parse().unwrap();
    address.path().to_owned()
}

#[actix_web::test]
async fn a_provider_with_an_address_of_its_own_answers_there() {
    for name in ["Own", NAME] {
        let house = with_own(name).await;
        let mut browser = Browser::default();
        let leaving = leaves(&house, &mut browser, name).await;
        let address = path_of(&leaving);
        assert!(address.starts_with("/oauth2/idpresponse/"), "{address}");
        house.get(&mut browser, &back(&leaving, &address)).await.code();
    }
}

#[actix_web::test]
async fn an_answer_that_comes_to_the_address_of_another_is_refused_and_uses_nothing_up() {
    let house = with_own("Own").await;
    for (provider, right, wrong) in [
        ("Own", "/oauth2/idpresponse/Own", "/oauth2/idpresponse"),
        ("Own", "/oauth2/idpresponse/Own", "/oauth2/idpresponse/Acme"),
        ("Own", "/oauth2/idpresponse/Own", "/oauth2/idpresponse/own"),
        ("Acme", "/oauth2/idpresponse", "/oauth2/idpresponse/Own"),
        ("Acme", "/oauth2/idpresponse", "/oauth2/idpresponse/Acme"),
    ] {
        let mut browser = Browser::default();
        let leaving = leaves(&house, &mut browser, provider).await;
        assert_eq!(path_of(&leaving), right);
        let refused = house.get(&mut browser, &back(&leaving, wrong)).await;
        assert_eq!(refused.status, 400, "{wrong}: {refused:?}");
        house.get(&mut browser, &back(&leaving, right)).await.code();
    }
}
