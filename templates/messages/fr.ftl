# What the hosted pages say, in French. en.ftl tells how to translate.

## Signing in

# Title of the window. $app: the name of the app, as its people call it.
sign-in-window = Se connecter à { $app }
# The same, when what was typed did not do: read out first.
sign-in-window-problem = Erreur : Se connecter à { $app }
sign-in-heading = Se connecter
sign-in-lead = pour accéder à { $app }
sign-in-email = Adresse e-mail professionnelle
# An example of an address: keep @ and the dot.
sign-in-email-example = nom@entreprise.fr
sign-in-email-continue = Continuer
# The address that was typed belongs to no organization. Says the same of every address.
sign-in-email-unknown = Aucune organisation n’est connue pour cette adresse.
sign-in-or = ou
sign-in-organizations = Se connecter avec votre organisation
# Names of the two lists, read out by screen readers.
sign-in-accounts-list = Comptes
sign-in-organizations-list = Organisations
# $provider: the name of a provider, for example Google or Acme.
continue-with = Continuer avec { $provider }
# Apple's and Amazon's own words for their buttons, where your language has them.
continue-with-amazon = Connectez-vous avec Amazon
continue-with-apple = Se connecter avec Apple
sign-in-nothing = Aucun moyen de connexion n’est activé pour { $app }. L’administration de l’application peut ajouter des fournisseurs d’identité au client d’application (SupportedIdentityProviders).
sign-in-legal = Vous vous connectez chez votre fournisseur. Cette page ne demande jamais votre mot de passe.

## Choosing the account that is signed in already, or another

choose-window = Choisir un compte pour { $app }
choose-heading = Choisir un compte
# $name: the person's name, or e-mail address.
choose-continue = Continuer en tant que { $name }
# $provider: where the person signed in.
choose-from = Session ouverte avec { $provider }
choose-other = Utiliser un autre compte

## On the way

hop-window = Un instant
hop-heading = Un instant
hop-to = Redirection vers { $provider }.
hop-finishing = Finalisation de votre connexion.
hop-continue = Continuer
hop-hint = Si rien ne se passe, appuyez sur Continuer.

## Signed out

signed-out-window = Déconnexion effectuée
signed-out-heading = Déconnexion effectuée
signed-out-of = Votre session avec { $app } est terminée ici.
signed-out = Votre session est terminée ici.
signed-out-advice = Votre fournisseur d’identité peut encore vous reconnaître ; sur un ordinateur partagé, déconnectez-vous aussi chez lui ou fermez le navigateur.

## Buttons and facts of every page

# $app: the name of the app.
back-to = Retour à { $app }
start-again = Recommencer
try-again = Réessayer
fact-code = Code d’erreur
fact-reference = Référence
# A sentence for technical people, always in English.
fact-detail = Détails
reference-hint = Avec cette référence, l’assistance peut retrouver ce qui s’est passé.
language = Langue
language-change = Changer

## Errors: a heading, what happened, what to do

error-expired = Cette connexion a expiré
error-expired-what = Une connexion doit être terminée en 5 minutes, et une seule fois. Rien n’a été perdu.
error-expired-advice = Recommencez depuis l’application.
error-other-browser = Cette connexion a commencé ailleurs
error-other-browser-what = Une connexion doit se terminer dans le navigateur où elle a commencé, et ce navigateur doit conserver les cookies.
error-other-browser-advice = Recommencez depuis l’application, dans ce navigateur.
error-sign-in-link = Ce lien de connexion n’est pas valide
error-sign-in-link-what = L’application a transmis ici une demande à laquelle ce service ne donne pas suite.
error-sign-in-link-advice = L’application d’où vous venez doit être corrigée : indiquez à ses responsables ce qu’affiche cette page.
error-unsolicited = Cette réponse ne correspond à aucune connexion
error-unsolicited-what = Votre fournisseur d’identité a envoyé une réponse qui ne correspond ici à aucune connexion.
error-unsolicited-advice = Revenez à l’application et connectez-vous de nouveau.
error-unavailable = La connexion ne fonctionne pas pour le moment
error-unavailable-what = Une partie du service de connexion ne répond pas actuellement.
error-unavailable-advice = Réessayez dans une minute. Si cela continue, prévenez les responsables de ce service.
error-too-many = Trop de demandes
error-too-many-what = Il y a eu plus de demandes que ce service de connexion n’en traite à la fois.
# $seconds: a number, 1 or more.
error-too-many-advice = { $seconds ->
    [one] Attendez { $seconds } seconde, puis réessayez ou revenez à l’application.
   *[other] Attendez { $seconds } secondes, puis réessayez ou revenez à l’application.
}
error-sign-out-link = Ce lien de déconnexion n’est pas valide
error-sign-out-link-what = L’application a transmis ici une demande à laquelle ce service ne donne pas suite. Votre session est toujours ouverte.
error-sign-out-link-advice = L’application d’où vous venez doit être corrigée : indiquez à ses responsables ce qu’affiche cette page.
error-sign-out-unknown = Cette réponse ne correspond à aucune déconnexion
error-sign-out-unknown-what = Votre fournisseur d’identité a répondu à une déconnexion que personne n’attend ici.
error-sign-out-unknown-advice = Si vous avez demandé la déconnexion, elle est effective ici. Fermez cette page ou revenez à l’application.
error-sign-out-message = Ce message de déconnexion n’a pas été jugé fiable
error-sign-out-message-what = Ce que votre fournisseur d’identité a envoyé n’a pas pu être exécuté. Cela n’a mis fin à rien.
error-sign-out-message-advice = Déconnectez-vous dans l’application ; indiquez aux responsables de votre fournisseur d’identité ce qu’affiche cette page.
error-sign-out-address = Cette adresse de déconnexion n’est pas valide
error-sign-out-address-what = Votre fournisseur d’identité a demandé une déconnexion qui ne peut pas être exécutée. Cela n’a mis fin à rien.
error-sign-out-address-advice = Les responsables de votre fournisseur d’identité doivent corriger cela.
