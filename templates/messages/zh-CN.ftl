# What the hosted pages say, in Simplified Chinese. en.ftl tells how to translate.

## Signing in

# Title of the window. $app: the name of the app, as its people call it.
sign-in-window = 登录 { $app }
# The same, when what was typed did not do: read out first.
sign-in-window-problem = 错误：登录 { $app }
sign-in-heading = 登录
sign-in-lead = 继续前往 { $app }
sign-in-email = 工作邮箱
# An example of an address: keep @ and the dot.
sign-in-email-example = name@company.com
sign-in-email-continue = 继续
# The address that was typed belongs to no organization. Says the same of every address.
sign-in-email-unknown = 未找到与此邮箱地址对应的组织。
sign-in-or = 或
sign-in-organizations = 通过您所在的组织登录
# Names of the two lists, read out by screen readers.
sign-in-accounts-list = 账号
sign-in-organizations-list = 组织
# $provider: the name of a provider, for example Google or Acme.
continue-with = 通过 { $provider } 继续
# Apple's and Amazon's own words for their buttons, where your language has them.
continue-with-amazon = 通过 Amazon 登录
continue-with-apple = 通过 Apple 登录
sign-in-nothing = { $app } 未启用任何登录方式。其管理员可以为应用客户端添加身份提供商（SupportedIdentityProviders）。
sign-in-legal = 登录由您的身份提供商处理。此页面绝不会要求您输入密码。

## Choosing the account that is signed in already, or another

choose-window = 选择用于 { $app } 的账号
choose-heading = 选择账号
# $name: the person's name, or e-mail address.
choose-continue = 以 { $name } 的身份继续
# $provider: where the person signed in.
choose-from = 已通过 { $provider } 登录
choose-other = 使用其他账号

## On the way

hop-window = 请稍候
hop-heading = 请稍候
hop-to = 正在前往 { $provider }。
hop-finishing = 正在完成登录。
hop-continue = 继续
hop-hint = 如果没有反应，请按“继续”。

## Signed out

signed-out-window = 已退出登录
signed-out-heading = 您已退出登录
signed-out-of = 您在此服务中的 { $app } 会话已结束。
signed-out = 您在此服务中的会话已结束。
signed-out-advice = 您的身份提供商可能仍保留您的登录状态；如果使用的是共用电脑，请同时在身份提供商处退出登录，或关闭浏览器。

## Buttons and facts of every page

# $app: the name of the app.
back-to = 返回 { $app }
start-again = 重新开始
try-again = 重试
fact-code = 错误代码
fact-reference = 参考编号
# A sentence for technical people, always in English.
fact-detail = 详细信息
reference-hint = 支持人员可凭此参考编号查明发生的情况。
language = 语言
language-change = 更改

## Errors: a heading, what happened, what to do

error-expired = 此次登录已过期
error-expired-what = 登录必须在 5 分钟内完成，且只能完成一次。未丢失任何内容。
error-expired-advice = 请从应用重新开始。
error-other-browser = 此次登录是在别处开始的
error-other-browser-what = 登录必须在最初开始的浏览器中完成，并且该浏览器必须保留 Cookie。
error-other-browser-advice = 请在此浏览器中，从应用重新开始。
error-sign-in-link = 此登录链接无效
error-sign-in-link-what = 应用将您转到此处时提出的请求，此服务不予处理。
error-sign-in-link-advice = 将您转到此处的应用需要修正：请将此页面的内容告知该应用的负责人员。
error-unsolicited = 此响应不属于任何登录操作
error-unsolicited-what = 您的身份提供商发来的响应，与此处的任何登录操作都不匹配。
error-unsolicited-advice = 请返回应用并重新登录。
error-unavailable = 目前无法登录
error-unavailable-what = 登录服务的某个部分目前没有响应。
error-unavailable-advice = 请过一分钟再试。如果问题仍然存在，请告知此服务的管理人员。
error-too-many = 请求过多
error-too-many-what = 收到的请求超出了此登录服务一次所能响应的数量。
# $seconds: a number, 1 or more.
error-too-many-advice = { $seconds ->
   *[other] 请等待 { $seconds } 秒，然后重试或返回应用。
}
error-sign-out-link = 此退出登录链接无效
error-sign-out-link-what = 应用将您转到此处时提出的请求，此服务不予处理。您仍处于登录状态。
error-sign-out-link-advice = 将您转到此处的应用需要修正：请将此页面的内容告知该应用的负责人员。
error-sign-out-unknown = 此响应不属于任何退出登录操作
error-sign-out-unknown-what = 您的身份提供商回应了一次退出登录操作，但此处没有任何操作在等待该响应。
error-sign-out-unknown-advice = 如果您执行过退出登录，则您在此处已退出。请关闭此页面，或返回应用。
error-sign-out-message = 无法信任此退出登录消息
error-sign-out-message-what = 您的身份提供商发来的内容无法处理。没有任何会话因此结束。
error-sign-out-message-advice = 请在应用中退出登录，并将此页面的内容告知身份提供商的管理人员。
error-sign-out-address = 此退出登录地址无效
error-sign-out-address-what = 您的身份提供商请求的退出登录操作无法处理。没有任何会话因此结束。
error-sign-out-address-advice = 需要由身份提供商的管理人员修正。
