# What the hosted pages say, in Traditional Chinese (Taiwan). en.ftl tells how to translate.

## Signing in

# Title of the window. $app: the name of the app, as its people call it.
sign-in-window = 登入 { $app }
# The same, when what was typed did not do: read out first.
sign-in-window-problem = 錯誤：登入 { $app }
sign-in-heading = 登入
sign-in-lead = 繼續前往 { $app }
sign-in-email = 工作用電子郵件
# An example of an address: keep @ and the dot.
sign-in-email-example = name@company.com
sign-in-email-continue = 繼續
# The address that was typed belongs to no organization. Says the same of every address.
sign-in-email-unknown = 找不到這個電子郵件地址所對應的組織。
sign-in-or = 或
sign-in-organizations = 透過您所屬的組織登入
# Names of the two lists, read out by screen readers.
sign-in-accounts-list = 帳號
sign-in-organizations-list = 組織
# $provider: the name of a provider, for example Google or Acme.
continue-with = 使用 { $provider } 繼續
# Apple's and Amazon's own words for their buttons, where your language has them.
continue-with-amazon = 使用 Amazon 登入
continue-with-apple = 使用 Apple 登入
sign-in-nothing = { $app } 未啟用任何登入方式。其管理員可以在應用程式用戶端中新增身分提供者（SupportedIdentityProviders）。
sign-in-legal = 登入由您的身分提供者處理。這個頁面絕不會要求您輸入密碼。

## Choosing the account that is signed in already, or another

choose-window = 選擇要用於 { $app } 的帳號
choose-heading = 選擇帳號
# $name: the person's name, or e-mail address.
choose-continue = 以 { $name } 的身分繼續
# $provider: where the person signed in.
choose-from = 已使用 { $provider } 登入
choose-other = 使用其他帳號

## On the way

hop-window = 請稍候
hop-heading = 請稍候
hop-to = 正在前往 { $provider }。
hop-finishing = 正在完成登入。
hop-continue = 繼續
hop-hint = 如果沒有反應，請按「繼續」。

## Signed out

signed-out-window = 已登出
signed-out-heading = 您已登出
signed-out-of = 您在這項服務中的 { $app } 工作階段已結束。
signed-out = 您在這項服務中的工作階段已結束。
signed-out-advice = 您的身分提供者可能仍保留您的登入狀態；如果使用的是共用電腦，請一併登出身分提供者，或關閉瀏覽器。

## Buttons and facts of every page

# $app: the name of the app.
back-to = 返回 { $app }
start-again = 重新開始
try-again = 再試一次
fact-code = 錯誤代碼
fact-reference = 參考編號
# A sentence for technical people, always in English.
fact-detail = 詳細資料
reference-hint = 支援人員可透過這個參考編號查明發生的狀況。
language = 語言
language-change = 變更

## Errors: a heading, what happened, what to do

error-expired = 這次登入已過期
error-expired-what = 登入必須在 5 分鐘內完成，而且只能完成一次。沒有遺失任何內容。
error-expired-advice = 請從應用程式重新開始。
error-other-browser = 這次登入是在別處開始的
error-other-browser-what = 登入必須在最初開始的瀏覽器中完成，而且該瀏覽器必須保留 Cookie。
error-other-browser-advice = 請在這個瀏覽器中，從應用程式重新開始。
error-sign-in-link = 這個登入連結無效
error-sign-in-link-what = 應用程式將您導向這裡時提出的要求，這項服務不予處理。
error-sign-in-link-advice = 將您導向這裡的應用程式需要修正：請將這個頁面的內容告知該應用程式的負責人員。
error-unsolicited = 這個回應不屬於任何登入作業
error-unsolicited-what = 您的身分提供者傳來的回應，與這裡的任何登入作業都不相符。
error-unsolicited-advice = 請返回應用程式並重新登入。
error-unavailable = 目前無法登入
error-unavailable-what = 登入服務的某個部分目前沒有回應。
error-unavailable-advice = 請在一分鐘後再試一次。如果問題持續發生，請告知這項服務的管理人員。
error-too-many = 要求過多
error-too-many-what = 收到的要求超過這項登入服務一次所能回應的數量。
# $seconds: a number, 1 or more.
error-too-many-advice = { $seconds ->
   *[other] 請等待 { $seconds } 秒，然後再試一次或返回應用程式。
}
error-sign-out-link = 這個登出連結無效
error-sign-out-link-what = 應用程式將您導向這裡時提出的要求，這項服務不予處理。您目前仍為登入狀態。
error-sign-out-link-advice = 將您導向這裡的應用程式需要修正：請將這個頁面的內容告知該應用程式的負責人員。
error-sign-out-unknown = 這個回應不屬於任何登出作業
error-sign-out-unknown-what = 您的身分提供者回應了一項登出作業，但這裡沒有任何作業在等候該回應。
error-sign-out-unknown-advice = 如果您執行過登出，您在這裡就已登出。請關閉這個頁面，或返回應用程式。
error-sign-out-message = 無法信任這則登出訊息
error-sign-out-message-what = 您的身分提供者傳來的內容無法處理。沒有任何工作階段因此結束。
error-sign-out-message-advice = 請在應用程式中登出，並將這個頁面的內容告知身分提供者的管理人員。
error-sign-out-address = 這個登出網址無效
error-sign-out-address-what = 您的身分提供者所要求的登出無法處理。沒有任何工作階段因此結束。
error-sign-out-address-advice = 需要由身分提供者的管理人員修正。
