# What the hosted pages say, in Korean. en.ftl tells how to translate.

## Signing in

# Title of the window. $app: the name of the app, as its people call it.
sign-in-window = { $app } 로그인
# The same, when what was typed did not do: read out first.
sign-in-window-problem = 오류: { $app } 로그인
sign-in-heading = 로그인
sign-in-lead = 로그인 후 { $app }(으)로 이동합니다
sign-in-email = 업무용 이메일
# An example of an address: keep @ and the dot.
sign-in-email-example = name@company.com
sign-in-email-continue = 계속
# The address that was typed belongs to no organization. Says the same of every address.
sign-in-email-unknown = 이 이메일 주소에 해당하는 조직을 찾을 수 없습니다.
sign-in-or = 또는
sign-in-organizations = 소속 조직으로 로그인
# Names of the two lists, read out by screen readers.
sign-in-accounts-list = 계정
sign-in-organizations-list = 조직
# $provider: the name of a provider, for example Google or Acme.
continue-with = { $provider } 계정으로 계속
# Apple's and Amazon's own words for their buttons, where your language has them.
continue-with-amazon = Amazon으로 로그인
continue-with-apple = Apple로 로그인
sign-in-nothing = { $app }에 사용 설정된 로그인 방법이 없습니다. 앱 관리자가 앱 클라이언트에 ID 공급자를 추가할 수 있습니다(SupportedIdentityProviders).
sign-in-legal = 로그인은 사용 중인 ID 공급자에서 진행됩니다. 이 페이지에서는 비밀번호를 절대 묻지 않습니다.

## Choosing the account that is signed in already, or another

choose-window = { $app }에서 사용할 계정 선택
choose-heading = 계정 선택
# $name: the person's name, or e-mail address.
choose-continue = { $name } 님으로 계속
# $provider: where the person signed in.
choose-from = { $provider } 계정으로 로그인됨
choose-other = 다른 계정 사용

## On the way

hop-window = 잠시만 기다려 주세요
hop-heading = 잠시만 기다려 주세요
hop-to = { $provider }(으)로 이동하고 있습니다.
hop-finishing = 로그인을 완료하고 있습니다.
hop-continue = 계속
hop-hint = 아무 반응이 없으면 ‘계속’을 누르세요.

## Signed out

signed-out-window = 로그아웃됨
signed-out-heading = 로그아웃되었습니다
signed-out-of = 이 서비스에서 { $app } 세션이 종료되었습니다.
signed-out = 이 서비스에서 세션이 종료되었습니다.
signed-out-advice = ID 공급자에는 로그인 상태가 남아 있을 수 있습니다. 공용 컴퓨터에서는 ID 공급자에서도 로그아웃하거나 브라우저를 닫으세요.

## Buttons and facts of every page

# $app: the name of the app.
back-to = { $app }(으)로 돌아가기
start-again = 처음부터 다시 시작
try-again = 다시 시도
fact-code = 오류 코드
fact-reference = 참조 ID
# A sentence for technical people, always in English.
fact-detail = 세부정보
reference-hint = 지원팀에서 이 참조 ID로 무슨 일이 있었는지 확인할 수 있습니다.
language = 언어
language-change = 변경

## Errors: a heading, what happened, what to do

error-expired = 이 로그인은 만료되었습니다
error-expired-what = 로그인은 5분 이내에 완료해야 하며, 한 번만 완료할 수 있습니다. 손실된 내용은 없습니다.
error-expired-advice = 앱에서 다시 시작하세요.
error-other-browser = 다른 곳에서 시작된 로그인입니다
error-other-browser-what = 로그인은 시작한 브라우저에서 완료해야 하며, 그 브라우저에 쿠키가 저장되어야 합니다.
error-other-browser-advice = 이 브라우저를 사용하여 앱에서 다시 시작하세요.
error-sign-in-link = 이 로그인 링크는 유효하지 않습니다
error-sign-in-link-what = 앱이 이 페이지로 연결하면서 보낸 요청은 이 서비스에서 처리하지 않습니다.
error-sign-in-link-advice = 이 페이지로 연결한 앱을 수정해야 합니다. 앱 담당자에게 이 페이지의 내용을 알려 주세요.
error-unsolicited = 해당하는 로그인이 없는 응답입니다
error-unsolicited-what = ID 공급자가 보낸 응답과 일치하는 로그인이 여기에 없습니다.
error-unsolicited-advice = 앱으로 돌아가서 다시 로그인하세요.
error-unavailable = 지금은 로그인할 수 없습니다
error-unavailable-what = 현재 로그인 서비스의 일부가 응답하지 않습니다.
error-unavailable-advice = 1분 후에 다시 시도하세요. 문제가 계속되면 이 서비스의 관리자에게 알려 주세요.
error-too-many = 요청이 너무 많습니다
error-too-many-what = 이 로그인 서비스가 한 번에 응답할 수 있는 것보다 많은 요청이 있었습니다.
# $seconds: a number, 1 or more.
error-too-many-advice = { $seconds ->
   *[other] { $seconds }초 동안 기다린 후 다시 시도하거나 앱으로 돌아가세요.
}
error-sign-out-link = 이 로그아웃 링크는 유효하지 않습니다
error-sign-out-link-what = 앱이 이 페이지로 연결하면서 보낸 요청은 이 서비스에서 처리하지 않습니다. 아직 로그인되어 있습니다.
error-sign-out-link-advice = 이 페이지로 연결한 앱을 수정해야 합니다. 앱 담당자에게 이 페이지의 내용을 알려 주세요.
error-sign-out-unknown = 해당하는 로그아웃이 없는 응답입니다
error-sign-out-unknown-what = ID 공급자가 로그아웃에 응답했지만, 그 응답을 기다리는 로그아웃이 여기에 없습니다.
error-sign-out-unknown-advice = 로그아웃하셨다면 여기에서는 로그아웃된 상태입니다. 이 페이지를 닫거나 앱으로 돌아가세요.
error-sign-out-message = 이 로그아웃 메시지를 신뢰할 수 없습니다
error-sign-out-message-what = ID 공급자가 보낸 내용을 처리할 수 없었습니다. 이로 인해 종료된 세션은 없습니다.
error-sign-out-message-advice = 앱에서 로그아웃하고, ID 공급자의 관리자에게 이 페이지의 내용을 알려 주세요.
error-sign-out-address = 이 로그아웃 주소는 유효하지 않습니다
error-sign-out-address-what = ID 공급자가 요청한 로그아웃은 처리할 수 없습니다. 이로 인해 종료된 세션은 없습니다.
error-sign-out-address-advice = ID 공급자의 관리자가 수정해야 합니다.
