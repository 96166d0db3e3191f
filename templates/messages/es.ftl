# What the hosted pages say, in Spanish. en.ftl tells how to translate.

## Signing in

# Title of the window. $app: the name of the app, as its people call it.
sign-in-window = Iniciar sesión en { $app }
# The same, when what was typed did not do: read out first.
sign-in-window-problem = Error: Iniciar sesión en { $app }
sign-in-heading = Iniciar sesión
sign-in-lead = para continuar en { $app }
sign-in-email = Correo electrónico del trabajo
# An example of an address: keep @ and the dot.
sign-in-email-example = nombre@empresa.com
sign-in-email-continue = Continuar
# The address that was typed belongs to no organization. Says the same of every address.
sign-in-email-unknown = No se conoce ninguna organización para esta dirección.
sign-in-or = o
sign-in-organizations = Iniciar sesión con su organización
# Names of the two lists, read out by screen readers.
sign-in-accounts-list = Cuentas
sign-in-organizations-list = Organizaciones
# $provider: the name of a provider, for example Google or Acme.
continue-with = Continuar con { $provider }
# Apple's and Amazon's own words for their buttons, where your language has them.
continue-with-amazon = Iniciar sesión con Amazon
continue-with-apple = Iniciar sesión con Apple
sign-in-nothing = No hay ninguna forma de iniciar sesión habilitada para { $app }. La administración de la aplicación puede añadir proveedores de identidad al cliente de aplicación (SupportedIdentityProviders).
sign-in-legal = La sesión se inicia en su proveedor. Esta página nunca le pide la contraseña.

## Choosing the account that is signed in already, or another

choose-window = Elegir una cuenta para { $app }
choose-heading = Elegir una cuenta
# $name: the person's name, or e-mail address.
choose-continue = Continuar como { $name }
# $provider: where the person signed in.
choose-from = Sesión iniciada con { $provider }
choose-other = Usar otra cuenta

## On the way

hop-window = Un momento
hop-heading = Un momento
hop-to = Redirigiendo a { $provider }.
hop-finishing = Finalizando el inicio de sesión.
hop-continue = Continuar
hop-hint = Si no ocurre nada, pulse Continuar.

## Signed out

signed-out-window = Sesión cerrada
signed-out-heading = Se ha cerrado la sesión
signed-out-of = Su sesión con { $app } ha terminado aquí.
signed-out = Su sesión ha terminado aquí.
signed-out-advice = Es posible que su proveedor de identidad aún le recuerde; en un equipo compartido, cierre también la sesión del proveedor o cierre el navegador.

## Buttons and facts of every page

# $app: the name of the app.
back-to = Volver a { $app }
start-again = Empezar de nuevo
try-again = Reintentar
fact-code = Código de error
fact-reference = Referencia
# A sentence for technical people, always in English.
fact-detail = Detalles
reference-hint = Con esta referencia, el soporte técnico puede averiguar qué ocurrió.
language = Idioma
language-change = Cambiar

## Errors: a heading, what happened, what to do

error-expired = Este inicio de sesión ha caducado
error-expired-what = Un inicio de sesión debe completarse en 5 minutos y una sola vez. No se ha perdido nada.
error-expired-advice = Empiece de nuevo desde la aplicación.
error-other-browser = Este inicio de sesión empezó en otro lugar
error-other-browser-what = Un inicio de sesión debe terminar en el navegador en el que empezó, y ese navegador debe conservar las cookies.
error-other-browser-advice = Empiece de nuevo desde la aplicación, en este navegador.
error-sign-in-link = Este enlace de inicio de sesión no es válido
error-sign-in-link-what = La aplicación le envió aquí con una solicitud que este servicio no atiende.
error-sign-in-link-advice = La aplicación que le envió aquí debe corregirse: comunique a sus responsables lo que dice esta página.
error-unsolicited = Esta respuesta no corresponde a ningún inicio de sesión
error-unsolicited-what = Su proveedor de identidad envió una respuesta que aquí no corresponde a ningún inicio de sesión.
error-unsolicited-advice = Vuelva a la aplicación e inicie sesión de nuevo.
error-unavailable = El inicio de sesión no funciona en este momento
error-unavailable-what = Una parte del servicio de inicio de sesión no responde por ahora.
error-unavailable-advice = Inténtelo de nuevo dentro de un minuto. Si continúa, avise a los responsables de este servicio.
error-too-many = Demasiadas solicitudes
error-too-many-what = Llegaron más solicitudes de las que este servicio de inicio de sesión atiende a la vez.
# $seconds: a number, 1 or more.
error-too-many-advice = { $seconds ->
    [one] Espere { $seconds } segundo y luego inténtelo de nuevo o vuelva a la aplicación.
   *[other] Espere { $seconds } segundos y luego inténtelo de nuevo o vuelva a la aplicación.
}
error-sign-out-link = Este enlace de cierre de sesión no es válido
error-sign-out-link-what = La aplicación le envió aquí con una solicitud que este servicio no atiende. Su sesión sigue iniciada.
error-sign-out-link-advice = La aplicación que le envió aquí debe corregirse: comunique a sus responsables lo que dice esta página.
error-sign-out-unknown = Esta respuesta no corresponde a ningún cierre de sesión
error-sign-out-unknown-what = Su proveedor de identidad respondió a un cierre de sesión que aquí nadie espera.
error-sign-out-unknown-advice = Si cerró la sesión, aquí está cerrada. Cierre esta página o vuelva a la aplicación.
error-sign-out-message = Este mensaje de cierre de sesión no se consideró fiable
error-sign-out-message-what = No se pudo atender lo que envió su proveedor de identidad. No se ha cerrado nada por ello.
error-sign-out-message-advice = Cierre la sesión en la aplicación; comunique a los responsables de su proveedor de identidad lo que dice esta página.
error-sign-out-address = Esta dirección de cierre de sesión no es válida
error-sign-out-address-what = Su proveedor de identidad pidió un cierre de sesión que no se puede atender. No se ha cerrado nada por ello.
error-sign-out-address-advice = Los responsables de su proveedor de identidad deben corregirlo.
