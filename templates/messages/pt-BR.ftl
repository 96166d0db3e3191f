# What the hosted pages say, in Brazilian Portuguese. en.ftl tells how to translate.

## Signing in

# Title of the window. $app: the name of the app, as its people call it.
sign-in-window = Fazer login em { $app }
# The same, when what was typed did not do: read out first.
sign-in-window-problem = Erro: Fazer login em { $app }
sign-in-heading = Fazer login
sign-in-lead = para continuar em { $app }
sign-in-email = E-mail corporativo
# An example of an address: keep @ and the dot.
sign-in-email-example = nome@empresa.com.br
sign-in-email-continue = Continuar
# The address that was typed belongs to no organization. Says the same of every address.
sign-in-email-unknown = Nenhuma organização é conhecida para este endereço.
sign-in-or = ou
sign-in-organizations = Fazer login com sua organização
# Names of the two lists, read out by screen readers.
sign-in-accounts-list = Contas
sign-in-organizations-list = Organizações
# $provider: the name of a provider, for example Google or Acme.
continue-with = Continuar com { $provider }
# Apple's and Amazon's own words for their buttons, where your language has them.
continue-with-amazon = Fazer login com a Amazon
continue-with-apple = Iniciar sessão com a Apple
sign-in-nothing = Nenhuma forma de login está ativada para { $app }. A administração do app pode adicionar provedores de identidade ao cliente do app (SupportedIdentityProviders).
sign-in-legal = Você faz login no seu provedor. Esta página nunca pede sua senha.

## Choosing the account that is signed in already, or another

choose-window = Escolha uma conta para { $app }
choose-heading = Escolha uma conta
# $name: the person's name, or e-mail address.
choose-continue = Continuar como { $name }
# $provider: where the person signed in.
choose-from = Login feito com { $provider }
choose-other = Usar outra conta

## On the way

hop-window = Um momento
hop-heading = Um momento
hop-to = Redirecionando você para { $provider }.
hop-finishing = Concluindo seu login.
hop-continue = Continuar
hop-hint = Se nada acontecer, pressione Continuar.

## Signed out

signed-out-window = Sessão encerrada
signed-out-heading = Você saiu
signed-out-of = Sua sessão com { $app } foi encerrada aqui.
signed-out = Sua sessão foi encerrada aqui.
signed-out-advice = Seu provedor de identidade talvez ainda se lembre de você; em um computador compartilhado, saia também do provedor ou feche o navegador.

## Buttons and facts of every page

# $app: the name of the app.
back-to = Voltar para { $app }
start-again = Começar de novo
try-again = Tentar novamente
fact-code = Código do erro
fact-reference = Referência
# A sentence for technical people, always in English.
fact-detail = Detalhes
reference-hint = Com esta referência, o suporte pode descobrir o que aconteceu.
language = Idioma
language-change = Alterar

## Errors: a heading, what happened, what to do

error-expired = Este login expirou
error-expired-what = Um login deve ser concluído em até 5 minutos e só uma vez. Nada foi perdido.
error-expired-advice = Comece de novo pelo app.
error-other-browser = Este login começou em outro lugar
error-other-browser-what = Um login deve terminar no navegador em que começou, e esse navegador deve guardar cookies.
error-other-browser-advice = Comece de novo pelo app, neste navegador.
error-sign-in-link = Este link de login não é válido
error-sign-in-link-what = O app enviou você para cá com uma solicitação que este serviço não atende.
error-sign-in-link-advice = O app que enviou você para cá precisa ser corrigido: informe aos responsáveis por ele o que esta página diz.
error-unsolicited = Esta resposta não corresponde a nenhum login
error-unsolicited-what = Seu provedor de identidade enviou uma resposta que não corresponde a nenhum login aqui.
error-unsolicited-advice = Volte ao app e faça login novamente.
error-unavailable = O login não está funcionando no momento
error-unavailable-what = Uma parte do serviço de login não está respondendo agora.
error-unavailable-advice = Tente novamente em um minuto. Se continuar, avise os responsáveis por este serviço.
error-too-many = Solicitações demais
error-too-many-what = Chegaram mais solicitações do que este serviço de login atende por vez.
# $seconds: a number, 1 or more.
error-too-many-advice = { $seconds ->
    [one] Aguarde { $seconds } segundo e tente novamente ou volte ao app.
   *[other] Aguarde { $seconds } segundos e tente novamente ou volte ao app.
}
error-sign-out-link = Este link de logout não é válido
error-sign-out-link-what = O app enviou você para cá com uma solicitação que este serviço não atende. Sua sessão continua aberta.
error-sign-out-link-advice = O app que enviou você para cá precisa ser corrigido: informe aos responsáveis por ele o que esta página diz.
error-sign-out-unknown = Esta resposta não corresponde a nenhum logout
error-sign-out-unknown-what = Seu provedor de identidade respondeu a um logout que ninguém espera aqui.
error-sign-out-unknown-advice = Se você saiu, sua sessão aqui está encerrada. Feche esta página ou volte ao app.
error-sign-out-message = Esta mensagem de logout não foi considerada confiável
error-sign-out-message-what = Não foi possível atender ao que seu provedor de identidade enviou. Nada foi encerrado por isso.
error-sign-out-message-advice = Saia pelo app; informe aos responsáveis pelo seu provedor de identidade o que esta página diz.
error-sign-out-address = Este endereço de logout não é válido
error-sign-out-address-what = Seu provedor de identidade pediu um logout que não pode ser atendido. Nada foi encerrado por isso.
error-sign-out-address-advice = Os responsáveis pelo seu provedor de identidade precisam corrigir isso.
