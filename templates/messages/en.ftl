# What the hosted pages say, in English.
#
# For translators: copy this file to the tag of your language (for example nl.ftl), translate what stands right of
# the first "=", and add a row to src/words/mod.rs. Names in braces, such as { $app }, are filled in: keep them, put
# them where your language wants them. The format is Fluent's: https://projectfluent.org/fluent/guide/

## Signing in

# Title of the window. $app: the name of the app, as its people call it.
sign-in-window = Sign in to { $app }
# The same, when what was typed did not do: read out first.
sign-in-window-problem = Error: Sign in to { $app }
sign-in-heading = Sign in
sign-in-lead = to continue to { $app }
sign-in-email = Work e-mail
# An example of an address: keep @ and the dot.
sign-in-email-example = you@company.com
sign-in-email-continue = Continue
# The address that was typed belongs to no organization. Says the same of every address.
sign-in-email-unknown = No organization is known for this address.
sign-in-or = or
sign-in-organizations = Sign in with your organization
# Names of the two lists, read out by screen readers.
sign-in-accounts-list = Accounts
sign-in-organizations-list = Organizations
# $provider: the name of a provider, for example Google or Acme.
continue-with = Continue with { $provider }
# Apple's and Amazon's own words for their buttons, where your language has them.
continue-with-amazon = Login with Amazon
continue-with-apple = Sign in with Apple
sign-in-nothing = No way to sign in is enabled for { $app }. Its administrator can add identity providers to the app client (SupportedIdentityProviders).
sign-in-legal = You sign in at your provider. This page never asks for your password.

## Choosing the account that is signed in already, or another

choose-window = Choose an account for { $app }
choose-heading = Choose an account
# $name: the person's name, or e-mail address.
choose-continue = Continue as { $name }
# $provider: where the person signed in.
choose-from = Signed in with { $provider }
choose-other = Use another account

## On the way

hop-window = One moment
hop-heading = One moment
hop-to = Taking you to { $provider }.
hop-finishing = Finishing your sign-in.
hop-continue = Continue
hop-hint = If nothing happens, press Continue.

## Signed out

signed-out-window = Signed out
signed-out-heading = You are signed out
signed-out-of = Your session with { $app } has ended here.
signed-out = Your session has ended here.
signed-out-advice = Your identity provider may still remember you; on a shared computer, sign out there too or close the browser.

## Buttons and facts of every page

# $app: the name of the app.
back-to = Back to { $app }
start-again = Start again
try-again = Try again
fact-code = Error code
fact-reference = Reference
# A sentence for technical people, always in English.
fact-detail = Details
reference-hint = Support can find what happened by this reference.
language = Language
language-change = Change

## Errors: a heading, what happened, what to do

error-expired = This sign-in has expired
error-expired-what = A sign-in must finish within 5 minutes, and only once. Nothing was lost.
error-expired-advice = Start again from the app.
error-other-browser = This sign-in began elsewhere
error-other-browser-what = A sign-in must finish in the browser that began it, and that browser must keep cookies.
error-other-browser-advice = Start again from the app, in this browser.
error-sign-in-link = This sign-in link is not valid
error-sign-in-link-what = The app sent you here with a request that this service does not follow.
error-sign-in-link-advice = The app that sent you here must be corrected: tell its people what this page says.
error-unsolicited = This answer belongs to no sign-in
error-unsolicited-what = Your identity provider sent an answer that fits no sign-in here.
error-unsolicited-advice = Go back to the app and sign in again.
error-unavailable = Signing in does not work right now
error-unavailable-what = A part of the sign-in service does not answer at the moment.
error-unavailable-advice = Try again in a minute. If it goes on, tell the people who run this service.
error-too-many = Too many requests
error-too-many-what = More was asked for than this sign-in service answers at a time.
# $seconds: a number, 1 or more.
error-too-many-advice = { $seconds ->
    [one] Wait { $seconds } second, then try again or go back to the app.
   *[other] Wait { $seconds } seconds, then try again or go back to the app.
}
error-sign-out-link = This sign-out link is not valid
error-sign-out-link-what = The app sent you here with a request that this service does not follow. You are still signed in.
error-sign-out-link-advice = The app that sent you here must be corrected: tell its people what this page says.
error-sign-out-unknown = This answer belongs to no sign-out
error-sign-out-unknown-what = Your identity provider answered a sign-out that nobody here waits for.
error-sign-out-unknown-advice = If you signed out, you are signed out here. Close this page, or go back to the app.
error-sign-out-message = This sign-out message was not believed
error-sign-out-message-what = What your identity provider sent could not be followed. Nothing has ended because of it.
error-sign-out-message-advice = Sign out in the app; tell the people who run your identity provider what this page says.
error-sign-out-address = This sign-out address is not valid
error-sign-out-address-what = Your identity provider asked for a sign-out that cannot be followed. Nothing has ended because of it.
error-sign-out-address-advice = The people who run your identity provider must correct it.
