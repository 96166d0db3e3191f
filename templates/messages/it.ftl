# What the hosted pages say, in Italian. en.ftl tells how to translate.

## Signing in

# Title of the window. $app: the name of the app, as its people call it.
sign-in-window = Accedi a { $app }
# The same, when what was typed did not do: read out first.
sign-in-window-problem = Errore: Accedi a { $app }
sign-in-heading = Accedi
sign-in-lead = per continuare su { $app }
sign-in-email = Email di lavoro
# An example of an address: keep @ and the dot.
sign-in-email-example = nome@azienda.it
sign-in-email-continue = Continua
# The address that was typed belongs to no organization. Says the same of every address.
sign-in-email-unknown = Nessuna organizzazione nota per questo indirizzo.
sign-in-or = oppure
sign-in-organizations = Accedi tramite l’organizzazione
# Names of the two lists, read out by screen readers.
sign-in-accounts-list = Account
sign-in-organizations-list = Organizzazioni
# $provider: the name of a provider, for example Google or Acme.
continue-with = Continua con { $provider }
# Apple's and Amazon's own words for their buttons, where your language has them.
continue-with-amazon = Accedi con Amazon
continue-with-apple = Accedi con Apple
sign-in-nothing = Nessuna modalità di accesso è abilitata per { $app }. Chi amministra l’app può aggiungere provider di identità al client dell’app (SupportedIdentityProviders).
sign-in-legal = L’accesso avviene presso il provider. Questa pagina non chiede mai la password.

## Choosing the account that is signed in already, or another

choose-window = Scegli un account per { $app }
choose-heading = Scegli un account
# $name: the person's name, or e-mail address.
choose-continue = Continua come { $name }
# $provider: where the person signed in.
choose-from = Accesso effettuato con { $provider }
choose-other = Usa un altro account

## On the way

hop-window = Un momento
hop-heading = Un momento
hop-to = Reindirizzamento a { $provider }.
hop-finishing = Completamento dell’accesso.
hop-continue = Continua
hop-hint = Se non succede nulla, premere Continua.

## Signed out

signed-out-window = Disconnessione effettuata
signed-out-heading = Disconnessione effettuata
signed-out-of = La sessione con { $app } è terminata qui.
signed-out = La sessione è terminata qui.
signed-out-advice = Il provider di identità potrebbe ricordare ancora l’accesso; su un computer condiviso, disconnettersi anche dal provider o chiudere il browser.

## Buttons and facts of every page

# $app: the name of the app.
back-to = Torna a { $app }
start-again = Ricomincia
try-again = Riprova
fact-code = Codice di errore
fact-reference = Riferimento
# A sentence for technical people, always in English.
fact-detail = Dettagli
reference-hint = Con questo riferimento l’assistenza può scoprire che cosa è successo.
language = Lingua
language-change = Cambia

## Errors: a heading, what happened, what to do

error-expired = Questo accesso è scaduto
error-expired-what = Un accesso va completato entro 5 minuti e una sola volta. Nulla è andato perso.
error-expired-advice = Ricominciare dall’app.
error-other-browser = Questo accesso è iniziato altrove
error-other-browser-what = Un accesso deve terminare nel browser in cui è iniziato, e quel browser deve conservare i cookie.
error-other-browser-advice = Ricominciare dall’app, in questo browser.
error-sign-in-link = Questo link di accesso non è valido
error-sign-in-link-what = L’app ha inviato qui una richiesta a cui questo servizio non dà seguito.
error-sign-in-link-advice = L’app di provenienza va corretta: comunicare ai suoi responsabili che cosa dice questa pagina.
error-unsolicited = Questa risposta non corrisponde ad alcun accesso
error-unsolicited-what = Il provider di identità ha inviato una risposta che qui non corrisponde ad alcun accesso.
error-unsolicited-advice = Tornare all’app e accedere di nuovo.
error-unavailable = L’accesso al momento non funziona
error-unavailable-what = Una parte del servizio di accesso al momento non risponde.
error-unavailable-advice = Riprovare tra un minuto. Se continua, avvisare chi gestisce questo servizio.
error-too-many = Troppe richieste
error-too-many-what = Sono arrivate più richieste di quante questo servizio di accesso ne gestisca alla volta.
# $seconds: a number, 1 or more.
error-too-many-advice = { $seconds ->
    [one] Attendere { $seconds } secondo, poi riprovare o tornare all’app.
   *[other] Attendere { $seconds } secondi, poi riprovare o tornare all’app.
}
error-sign-out-link = Questo link di disconnessione non è valido
error-sign-out-link-what = L’app ha inviato qui una richiesta a cui questo servizio non dà seguito. L’accesso è ancora attivo.
error-sign-out-link-advice = L’app di provenienza va corretta: comunicare ai suoi responsabili che cosa dice questa pagina.
error-sign-out-unknown = Questa risposta non corrisponde ad alcuna disconnessione
error-sign-out-unknown-what = Il provider di identità ha risposto a una disconnessione che qui nessuno attende.
error-sign-out-unknown-advice = Se è stata richiesta la disconnessione, qui è avvenuta. Chiudere questa pagina o tornare all’app.
error-sign-out-message = Questo messaggio di disconnessione non è stato ritenuto attendibile
error-sign-out-message-what = Non è stato possibile dare seguito a ciò che ha inviato il provider di identità. Nulla è terminato per questo.
error-sign-out-message-advice = Disconnettersi nell’app; comunicare a chi gestisce il provider di identità che cosa dice questa pagina.
error-sign-out-address = Questo indirizzo di disconnessione non è valido
error-sign-out-address-what = Il provider di identità ha chiesto una disconnessione a cui non si può dare seguito. Nulla è terminato per questo.
error-sign-out-address-advice = La correzione spetta a chi gestisce il provider di identità.
