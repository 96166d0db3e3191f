# What the hosted pages say, in German. en.ftl tells how to translate.

## Signing in

# Title of the window. $app: the name of the app, as its people call it.
sign-in-window = Bei { $app } anmelden
# The same, when what was typed did not do: read out first.
sign-in-window-problem = Fehler: Bei { $app } anmelden
sign-in-heading = Anmelden
sign-in-lead = Weiter zu { $app }
sign-in-email = Geschäftliche E-Mail-Adresse
# An example of an address: keep @ and the dot.
sign-in-email-example = name@firma.de
sign-in-email-continue = Weiter
# The address that was typed belongs to no organization. Says the same of every address.
sign-in-email-unknown = Zu dieser Adresse ist keine Organisation bekannt.
sign-in-or = oder
sign-in-organizations = Mit Ihrer Organisation anmelden
# Names of the two lists, read out by screen readers.
sign-in-accounts-list = Konten
sign-in-organizations-list = Organisationen
# $provider: the name of a provider, for example Google or Acme.
continue-with = Weiter mit { $provider }
# Apple's and Amazon's own words for their buttons, where your language has them.
continue-with-amazon = Login mit Amazon
continue-with-apple = Mit Apple anmelden
sign-in-nothing = Für { $app } ist keine Anmeldemöglichkeit aktiviert. Die Administration der App kann dem App-Client Identitätsanbieter hinzufügen (SupportedIdentityProviders).
sign-in-legal = Sie melden sich bei Ihrem Anbieter an. Diese Seite fragt nie nach Ihrem Passwort.

## Choosing the account that is signed in already, or another

choose-window = Konto für { $app } auswählen
choose-heading = Konto auswählen
# $name: the person's name, or e-mail address.
choose-continue = Weiter als { $name }
# $provider: where the person signed in.
choose-from = Angemeldet mit { $provider }
choose-other = Anderes Konto verwenden

## On the way

hop-window = Einen Moment
hop-heading = Einen Moment
hop-to = Sie werden zu { $provider } weitergeleitet.
hop-finishing = Ihre Anmeldung wird abgeschlossen.
hop-continue = Weiter
hop-hint = Wenn nichts passiert, drücken Sie „Weiter“.

## Signed out

signed-out-window = Abgemeldet
signed-out-heading = Sie sind abgemeldet
signed-out-of = Ihre Sitzung bei { $app } ist hier beendet.
signed-out = Ihre Sitzung ist hier beendet.
signed-out-advice = Ihr Identitätsanbieter kennt Sie vielleicht noch. Melden Sie sich an einem gemeinsam genutzten Computer auch beim Anbieter ab oder schließen Sie den Browser.

## Buttons and facts of every page

# $app: the name of the app.
back-to = Zurück zu { $app }
start-again = Neu beginnen
try-again = Erneut versuchen
fact-code = Fehlercode
fact-reference = Referenz
# A sentence for technical people, always in English.
fact-detail = Details
reference-hint = Anhand dieser Referenz kann der Support herausfinden, was passiert ist.
language = Sprache
language-change = Ändern

## Errors: a heading, what happened, what to do

error-expired = Diese Anmeldung ist abgelaufen
error-expired-what = Eine Anmeldung muss innerhalb von 5 Minuten abgeschlossen werden, und das geht nur einmal. Es ist nichts verloren gegangen.
error-expired-advice = Beginnen Sie noch einmal in der App.
error-other-browser = Diese Anmeldung wurde woanders begonnen
error-other-browser-what = Eine Anmeldung muss in dem Browser enden, in dem sie begonnen hat, und dieser Browser muss Cookies speichern.
error-other-browser-advice = Beginnen Sie noch einmal in der App, in diesem Browser.
error-sign-in-link = Dieser Anmeldelink ist ungültig
error-sign-in-link-what = Die App hat Sie mit einer Anfrage hierher geschickt, die dieser Dienst nicht ausführt.
error-sign-in-link-advice = Die App, die Sie hierher geschickt hat, muss korrigiert werden: Teilen Sie den Verantwortlichen der App mit, was auf dieser Seite steht.
error-unsolicited = Diese Antwort gehört zu keiner Anmeldung
error-unsolicited-what = Ihr Identitätsanbieter hat eine Antwort gesendet, die hier zu keiner Anmeldung passt.
error-unsolicited-advice = Gehen Sie zurück zur App und melden Sie sich erneut an.
error-unavailable = Die Anmeldung funktioniert gerade nicht
error-unavailable-what = Ein Teil des Anmeldedienstes antwortet im Moment nicht.
error-unavailable-advice = Versuchen Sie es in einer Minute erneut. Wenn es dabei bleibt, informieren Sie die Betreiber dieses Dienstes.
error-too-many = Zu viele Anfragen
error-too-many-what = Es gab mehr Anfragen, als dieser Anmeldedienst auf einmal beantwortet.
# $seconds: a number, 1 or more.
error-too-many-advice = { $seconds ->
    [one] Warten Sie { $seconds } Sekunde. Versuchen Sie es dann erneut oder gehen Sie zurück zur App.
   *[other] Warten Sie { $seconds } Sekunden. Versuchen Sie es dann erneut oder gehen Sie zurück zur App.
}
error-sign-out-link = Dieser Abmeldelink ist ungültig
error-sign-out-link-what = Die App hat Sie mit einer Anfrage hierher geschickt, die dieser Dienst nicht ausführt. Sie sind weiterhin angemeldet.
error-sign-out-link-advice = Die App, die Sie hierher geschickt hat, muss korrigiert werden: Teilen Sie den Verantwortlichen der App mit, was auf dieser Seite steht.
error-sign-out-unknown = Diese Antwort gehört zu keiner Abmeldung
error-sign-out-unknown-what = Ihr Identitätsanbieter hat auf eine Abmeldung geantwortet, die hier nicht erwartet wird.
error-sign-out-unknown-advice = Wenn Sie sich abgemeldet haben, sind Sie hier abgemeldet. Schließen Sie diese Seite oder gehen Sie zurück zur App.
error-sign-out-message = Dieser Abmeldenachricht wurde nicht vertraut
error-sign-out-message-what = Was Ihr Identitätsanbieter gesendet hat, konnte nicht ausgeführt werden. Dadurch wurde nichts beendet.
error-sign-out-message-advice = Melden Sie sich in der App ab. Teilen Sie den Verantwortlichen Ihres Identitätsanbieters mit, was auf dieser Seite steht.
error-sign-out-address = Diese Abmeldeadresse ist ungültig
error-sign-out-address-what = Ihr Identitätsanbieter hat eine Abmeldung verlangt, die nicht ausgeführt werden kann. Dadurch wurde nichts beendet.
error-sign-out-address-advice = Die Verantwortlichen Ihres Identitätsanbieters müssen das korrigieren.
