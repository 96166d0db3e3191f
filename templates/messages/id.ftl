# What the hosted pages say, in Indonesian. en.ftl tells how to translate.

## Signing in

# Title of the window. $app: the name of the app, as its people call it.
sign-in-window = Masuk ke { $app }
# The same, when what was typed did not do: read out first.
sign-in-window-problem = Kesalahan: Masuk ke { $app }
sign-in-heading = Masuk
sign-in-lead = untuk melanjutkan ke { $app }
sign-in-email = Email kantor
# An example of an address: keep @ and the dot.
sign-in-email-example = nama@perusahaan.co.id
sign-in-email-continue = Lanjutkan
# The address that was typed belongs to no organization. Says the same of every address.
sign-in-email-unknown = Tidak ada organisasi yang dikenal untuk alamat ini.
sign-in-or = atau
sign-in-organizations = Masuk dengan organisasi Anda
# Names of the two lists, read out by screen readers.
sign-in-accounts-list = Akun
sign-in-organizations-list = Organisasi
# $provider: the name of a provider, for example Google or Acme.
continue-with = Lanjutkan dengan { $provider }
# Apple's and Amazon's own words for their buttons, where your language has them.
continue-with-amazon = Masuk dengan Amazon
continue-with-apple = Masuk dengan Apple
sign-in-nothing = Tidak ada cara masuk yang diaktifkan untuk { $app }. Administrator aplikasi dapat menambahkan penyedia identitas ke klien aplikasi (SupportedIdentityProviders).
sign-in-legal = Anda masuk di penyedia Anda. Halaman ini tidak pernah meminta kata sandi Anda.

## Choosing the account that is signed in already, or another

choose-window = Pilih akun untuk { $app }
choose-heading = Pilih akun
# $name: the person's name, or e-mail address.
choose-continue = Lanjutkan sebagai { $name }
# $provider: where the person signed in.
choose-from = Sudah masuk dengan { $provider }
choose-other = Gunakan akun lain

## On the way

hop-window = Mohon tunggu sebentar
hop-heading = Mohon tunggu sebentar
hop-to = Mengarahkan Anda ke { $provider }.
hop-finishing = Menyelesaikan proses masuk Anda.
hop-continue = Lanjutkan
hop-hint = Jika tidak terjadi apa-apa, tekan Lanjutkan.

## Signed out

signed-out-window = Telah keluar
signed-out-heading = Anda telah keluar
signed-out-of = Sesi Anda dengan { $app } telah berakhir di sini.
signed-out = Sesi Anda telah berakhir di sini.
signed-out-advice = Penyedia identitas Anda mungkin masih mengingat Anda; di komputer yang dipakai bersama, keluarlah juga dari penyedia itu atau tutup browser.

## Buttons and facts of every page

# $app: the name of the app.
back-to = Kembali ke { $app }
start-again = Mulai lagi
try-again = Coba lagi
fact-code = Kode kesalahan
fact-reference = Referensi
# A sentence for technical people, always in English.
fact-detail = Detail
reference-hint = Dengan referensi ini, tim dukungan dapat mengetahui apa yang terjadi.
language = Bahasa
language-change = Ubah

## Errors: a heading, what happened, what to do

error-expired = Proses masuk ini sudah kedaluwarsa
error-expired-what = Proses masuk harus selesai dalam 5 menit, dan hanya satu kali. Tidak ada yang hilang.
error-expired-advice = Mulai lagi dari aplikasi.
error-other-browser = Proses masuk ini dimulai di tempat lain
error-other-browser-what = Proses masuk harus selesai di browser tempat proses itu dimulai, dan browser tersebut harus menyimpan cookie.
error-other-browser-advice = Mulai lagi dari aplikasi, di browser ini.
error-sign-in-link = Tautan masuk ini tidak valid
error-sign-in-link-what = Aplikasi mengarahkan Anda ke sini dengan permintaan yang tidak dijalankan oleh layanan ini.
error-sign-in-link-advice = Aplikasi yang mengarahkan Anda ke sini harus diperbaiki: beri tahu pengelolanya apa yang tertulis di halaman ini.
error-unsolicited = Jawaban ini tidak terkait dengan proses masuk mana pun
error-unsolicited-what = Penyedia identitas Anda mengirim jawaban yang tidak cocok dengan proses masuk mana pun di sini.
error-unsolicited-advice = Kembali ke aplikasi dan masuk lagi.
error-unavailable = Proses masuk sedang tidak berfungsi
error-unavailable-what = Sebagian layanan masuk saat ini tidak merespons.
error-unavailable-advice = Coba lagi dalam satu menit. Jika masih terjadi, beri tahu pengelola layanan ini.
error-too-many = Terlalu banyak permintaan
error-too-many-what = Permintaan yang diterima lebih banyak daripada yang dijawab layanan masuk ini pada satu waktu.
# $seconds: a number, 1 or more.
error-too-many-advice = { $seconds ->
   *[other] Tunggu { $seconds } detik, lalu coba lagi atau kembali ke aplikasi.
}
error-sign-out-link = Tautan keluar ini tidak valid
error-sign-out-link-what = Aplikasi mengarahkan Anda ke sini dengan permintaan yang tidak dijalankan oleh layanan ini. Anda belum keluar.
error-sign-out-link-advice = Aplikasi yang mengarahkan Anda ke sini harus diperbaiki: beri tahu pengelolanya apa yang tertulis di halaman ini.
error-sign-out-unknown = Jawaban ini tidak terkait dengan proses keluar mana pun
error-sign-out-unknown-what = Penyedia identitas Anda menjawab proses keluar yang tidak ditunggu siapa pun di sini.
error-sign-out-unknown-advice = Jika tadi Anda keluar, di sini Anda sudah keluar. Tutup halaman ini, atau kembali ke aplikasi.
error-sign-out-message = Pesan keluar ini tidak dipercaya
error-sign-out-message-what = Pesan yang dikirim penyedia identitas Anda tidak dapat dijalankan. Tidak ada yang diakhiri karenanya.
error-sign-out-message-advice = Keluarlah di aplikasi; beri tahu pengelola penyedia identitas Anda apa yang tertulis di halaman ini.
error-sign-out-address = Alamat keluar ini tidak valid
error-sign-out-address-what = Penyedia identitas Anda meminta proses keluar yang tidak dapat dijalankan. Tidak ada yang diakhiri karenanya.
error-sign-out-address-advice = Pengelola penyedia identitas Anda harus memperbaikinya.
