# What the hosted pages say, in Arabic. en.ftl tells how to translate.

## Signing in

# Title of the window. $app: the name of the app, as its people call it.
sign-in-window = تسجيل الدخول إلى { $app }
# The same, when what was typed did not do: read out first.
sign-in-window-problem = خطأ: تسجيل الدخول إلى { $app }
sign-in-heading = تسجيل الدخول
sign-in-lead = للمتابعة إلى { $app }
sign-in-email = البريد الإلكتروني للعمل
# An example of an address: keep @ and the dot.
sign-in-email-example = name@company.com
sign-in-email-continue = متابعة
# The address that was typed belongs to no organization. Says the same of every address.
sign-in-email-unknown = لا توجد مؤسسة معروفة لهذا العنوان.
sign-in-or = أو
sign-in-organizations = تسجيل الدخول من خلال مؤسستك
# Names of the two lists, read out by screen readers.
sign-in-accounts-list = الحسابات
sign-in-organizations-list = المؤسسات
# $provider: the name of a provider, for example Google or Acme.
continue-with = المتابعة باستخدام { $provider }
# Apple's and Amazon's own words for their buttons, where your language has them.
continue-with-amazon = تسجيل الدخول باستخدام Amazon
continue-with-apple = تسجيل الدخول باستخدام Apple
sign-in-nothing = لم يتم تفعيل أي طريقة لتسجيل الدخول إلى { $app }. يمكن لمشرف التطبيق إضافة موفّري هوية إلى عميل التطبيق (SupportedIdentityProviders).
sign-in-legal = يتم تسجيل الدخول لدى موفّر الهوية الخاص بك. لا تطلب هذه الصفحة كلمة مرورك أبدًا.

## Choosing the account that is signed in already, or another

choose-window = اختيار حساب لاستخدامه مع { $app }
choose-heading = اختيار حساب
# $name: the person's name, or e-mail address.
choose-continue = المتابعة باسم { $name }
# $provider: where the person signed in.
choose-from = تم تسجيل الدخول باستخدام { $provider }
choose-other = استخدام حساب آخر

## On the way

hop-window = لحظة من فضلك
hop-heading = لحظة من فضلك
hop-to = جارٍ نقلك إلى { $provider }.
hop-finishing = جارٍ إكمال تسجيل الدخول.
hop-continue = متابعة
hop-hint = إذا لم يحدث شيء، فاضغط على «متابعة».

## Signed out

signed-out-window = تم تسجيل الخروج
signed-out-heading = تم تسجيل خروجك
signed-out-of = انتهت جلستك مع { $app } في هذه الخدمة.
signed-out = انتهت جلستك في هذه الخدمة.
signed-out-advice = قد يظل موفّر الهوية يتذكّرك؛ على جهاز كمبيوتر مشترك، سجّل الخروج لدى موفّر الهوية أيضًا أو أغلق المتصفح.

## Buttons and facts of every page

# $app: the name of the app.
back-to = الرجوع إلى { $app }
start-again = البدء من جديد
try-again = إعادة المحاولة
fact-code = رمز الخطأ
fact-reference = الرمز المرجعي
# A sentence for technical people, always in English.
fact-detail = التفاصيل
reference-hint = يمكن لفريق الدعم معرفة ما حدث من خلال هذا الرمز المرجعي.
language = اللغة
language-change = تغيير

## Errors: a heading, what happened, what to do

error-expired = انتهت صلاحية عملية تسجيل الدخول هذه
error-expired-what = يجب إكمال تسجيل الدخول خلال 5 دقائق ومرة واحدة فقط. لم يُفقد أي شيء.
error-expired-advice = ابدأ من جديد من التطبيق.
error-other-browser = بدأت عملية تسجيل الدخول هذه في مكان آخر
error-other-browser-what = يجب إكمال تسجيل الدخول في المتصفح الذي بدأ فيه، ويجب أن يحتفظ هذا المتصفح بملفات تعريف الارتباط.
error-other-browser-advice = ابدأ من جديد من التطبيق في هذا المتصفح.
error-sign-in-link = رابط تسجيل الدخول هذا غير صالح
error-sign-in-link-what = وجّهك التطبيق إلى هنا بطلب لا تنفّذه هذه الخدمة.
error-sign-in-link-advice = يجب تصحيح التطبيق الذي وجّهك إلى هنا: أخبر المسؤولين عنه بما ورد في هذه الصفحة.
error-unsolicited = لا ترتبط هذه الاستجابة بأي تسجيل دخول
error-unsolicited-what = أرسل موفّر الهوية استجابة لا تطابق أي عملية تسجيل دخول هنا.
error-unsolicited-advice = ارجع إلى التطبيق وسجّل الدخول مرة أخرى.
error-unavailable = لا يعمل تسجيل الدخول حاليًا
error-unavailable-what = لا يستجيب جزء من خدمة تسجيل الدخول في الوقت الحالي.
error-unavailable-advice = أعد المحاولة بعد دقيقة. إذا استمرت المشكلة، فأخبر المسؤولين عن هذه الخدمة.
error-too-many = عدد الطلبات كبير جدًا
error-too-many-what = وصلت طلبات أكثر مما تستجيب له خدمة تسجيل الدخول هذه في آن واحد.
# $seconds: a number, 1 or more.
error-too-many-advice = { $seconds ->
    [zero] انتظر { $seconds } ثانية، ثم أعد المحاولة أو ارجع إلى التطبيق.
    [one] انتظر ثانية واحدة، ثم أعد المحاولة أو ارجع إلى التطبيق.
    [two] انتظر ثانيتين، ثم أعد المحاولة أو ارجع إلى التطبيق.
    [few] انتظر { $seconds } ثوانٍ، ثم أعد المحاولة أو ارجع إلى التطبيق.
    [many] انتظر { $seconds } ثانية، ثم أعد المحاولة أو ارجع إلى التطبيق.
   *[other] انتظر { $seconds } ثانية، ثم أعد المحاولة أو ارجع إلى التطبيق.
}
error-sign-out-link = رابط تسجيل الخروج هذا غير صالح
error-sign-out-link-what = وجّهك التطبيق إلى هنا بطلب لا تنفّذه هذه الخدمة. لم يتم تسجيل خروجك بعد.
error-sign-out-link-advice = يجب تصحيح التطبيق الذي وجّهك إلى هنا: أخبر المسؤولين عنه بما ورد في هذه الصفحة.
error-sign-out-unknown = لا ترتبط هذه الاستجابة بأي تسجيل خروج
error-sign-out-unknown-what = ردّ موفّر الهوية على عملية تسجيل خروج، ولا توجد هنا أي عملية تنتظر هذا الرد.
error-sign-out-unknown-advice = إذا سجّلت الخروج، فقد تم تسجيل خروجك هنا. أغلق هذه الصفحة أو ارجع إلى التطبيق.
error-sign-out-message = تعذّر الوثوق برسالة تسجيل الخروج هذه
error-sign-out-message-what = تعذّر تنفيذ ما أرسله موفّر الهوية. لم تنتهِ أي جلسة بسببه.
error-sign-out-message-advice = سجّل الخروج من التطبيق، وأخبر المسؤولين عن موفّر الهوية بما ورد في هذه الصفحة.
error-sign-out-address = عنوان تسجيل الخروج هذا غير صالح
error-sign-out-address-what = طلب موفّر الهوية تسجيل خروج لا يمكن تنفيذه. لم تنتهِ أي جلسة بسبب ذلك.
error-sign-out-address-advice = يجب على المسؤولين عن موفّر الهوية تصحيح ذلك.
