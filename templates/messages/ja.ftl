# What the hosted pages say, in Japanese. en.ftl tells how to translate.

## Signing in

# Title of the window. $app: the name of the app, as its people call it.
sign-in-window = { $app }にサインイン
# The same, when what was typed did not do: read out first.
sign-in-window-problem = エラー: { $app }にサインイン
sign-in-heading = サインイン
sign-in-lead = サインイン後、{ $app }に進みます
sign-in-email = 勤務先のメールアドレス
# An example of an address: keep @ and the dot.
sign-in-email-example = name@example.co.jp
sign-in-email-continue = 続ける
# The address that was typed belongs to no organization. Says the same of every address.
sign-in-email-unknown = このメールアドレスに対応する組織が見つかりません。
sign-in-or = または
sign-in-organizations = 所属する組織でサインイン
# Names of the two lists, read out by screen readers.
sign-in-accounts-list = アカウント
sign-in-organizations-list = 組織
# $provider: the name of a provider, for example Google or Acme.
continue-with = { $provider }で続ける
# Apple's and Amazon's own words for their buttons, where your language has them.
continue-with-amazon = Amazonでログイン
continue-with-apple = Appleでサインイン
sign-in-nothing = { $app }では、有効なサインイン方法がありません。アプリの管理者は、アプリクライアントにIDプロバイダーを追加できます（SupportedIdentityProviders）。
sign-in-legal = サインインはご利用のIDプロバイダーで行います。このページでパスワードの入力を求めることはありません。

## Choosing the account that is signed in already, or another

choose-window = { $app }で使用するアカウントを選択
choose-heading = アカウントを選択
# $name: the person's name, or e-mail address.
choose-continue = { $name }として続ける
# $provider: where the person signed in.
choose-from = { $provider }でサインイン済み
choose-other = 別のアカウントを使用

## On the way

hop-window = しばらくお待ちください
hop-heading = しばらくお待ちください
hop-to = { $provider }に移動しています。
hop-finishing = サインインを完了しています。
hop-continue = 続ける
hop-hint = 何も起こらない場合は、「続ける」を押してください。

## Signed out

signed-out-window = サインアウト済み
signed-out-heading = サインアウトしました
signed-out-of = このサービスでの{ $app }のセッションは終了しました。
signed-out = このサービスでのセッションは終了しました。
signed-out-advice = IDプロバイダーにはサインインの状態が残っている場合があります。共有のコンピューターでは、IDプロバイダーからもサインアウトするか、ブラウザーを閉じてください。

## Buttons and facts of every page

# $app: the name of the app.
back-to = { $app }に戻る
start-again = 最初からやり直す
try-again = もう一度試す
fact-code = エラーコード
fact-reference = 参照ID
# A sentence for technical people, always in English.
fact-detail = 詳細
reference-hint = サポート担当者は、この参照IDから何が起きたかを確認できます。
language = 言語
language-change = 変更

## Errors: a heading, what happened, what to do

error-expired = このサインインは期限切れです
error-expired-what = サインインは5分以内に完了する必要があり、完了できるのは1回だけです。失われたものはありません。
error-expired-advice = アプリから、もう一度やり直してください。
error-other-browser = 別の場所で始まったサインインです
error-other-browser-what = サインインは、開始したときと同じブラウザーで完了する必要があります。また、そのブラウザーでCookieが保存される必要があります。
error-other-browser-advice = このブラウザーで、アプリからもう一度やり直してください。
error-sign-in-link = このサインインリンクは無効です
error-sign-in-link-what = アプリからここへ移動した際のリクエストは、このサービスでは処理できません。
error-sign-in-link-advice = 移動元のアプリの修正が必要です。このページの内容を、アプリの担当者にお伝えください。
error-unsolicited = 対応するサインインのない応答です
error-unsolicited-what = IDプロバイダーから届いた応答に一致するサインインが、ここにはありません。
error-unsolicited-advice = アプリに戻って、もう一度サインインしてください。
error-unavailable = 現在サインインできません
error-unavailable-what = サインインサービスの一部が、現在応答していません。
error-unavailable-advice = 1分ほど待ってから、もう一度お試しください。問題が続く場合は、このサービスの管理者にお知らせください。
error-too-many = リクエストが多すぎます
error-too-many-what = このサインインサービスが一度に応答できる数を超えるリクエストがありました。
# $seconds: a number, 1 or more.
error-too-many-advice = { $seconds ->
   *[other] { $seconds }秒待ってから、もう一度試すか、アプリに戻ってください。
}
error-sign-out-link = このサインアウトリンクは無効です
error-sign-out-link-what = アプリからここへ移動した際のリクエストは、このサービスでは処理できません。まだサインインしたままです。
error-sign-out-link-advice = 移動元のアプリの修正が必要です。このページの内容を、アプリの担当者にお伝えください。
error-sign-out-unknown = 対応するサインアウトのない応答です
error-sign-out-unknown-what = IDプロバイダーからサインアウトへの応答が届きましたが、その応答を待っているサインアウトは、ここにはありません。
error-sign-out-unknown-advice = サインアウトの操作をした場合、ここではサインアウト済みです。このページを閉じるか、アプリに戻ってください。
error-sign-out-message = サインアウトのメッセージを信頼できませんでした
error-sign-out-message-what = IDプロバイダーから送られた内容は、処理できませんでした。これによって終了したセッションはありません。
error-sign-out-message-advice = アプリでサインアウトしてください。また、このページの内容を、IDプロバイダーの管理者にお伝えください。
error-sign-out-address = このサインアウト用アドレスは無効です
error-sign-out-address-what = IDプロバイダーから要求されたサインアウトは、処理できません。これによって終了したセッションはありません。
error-sign-out-address-advice = IDプロバイダーの管理者による修正が必要です。
