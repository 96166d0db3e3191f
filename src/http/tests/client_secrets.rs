//! A client with two live secrets proves itself by either.

use super::house::{House, SECRET, basic};
use crate::pool::ClientSecret;

async fn status(house: &House, secret: &str) -> u16 {
    let header = basic("confidential", secret);
    let form = [("token", "unknown")];
    house.post_with("/oauth2/revoke", &form, &[("authorization", header.as_str())]).await.status.as_u16()
}

#[actix_web::test]
async fn either_secret_is_good_until_it_is_deleted() {
    const NEW: &str = "n3wsecretthatnobodyguesses0000000000000000000000000000";
    let house = House::build().await;
    assert_eq!((status(&house, SECRET).await, status(&house, NEW).await), (200, 401));
    house
        .change_client("confidential", |client| {
            let known = &client.client_secrets;
            let made = ClientSecret::new("confidential", client.creation_date, NEW.into(), known);
            client.client_secrets.push(made);
        })
        .await;
    assert_eq!((status(&house, SECRET).await, status(&house, NEW).await), (200, 200));
    assert_eq!(status(&house, &format!("{SECRET}{NEW}")).await, 401);
    house.change_client("confidential", |client| drop(client.client_secrets.remove(0))).await;
    assert_eq!((status(&house, SECRET).await, status(&house, NEW).await), (401, 200));
}
