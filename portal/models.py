"""The people who log in."""

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class UserManager(BaseUserManager):
    """Makes people, most of them from an e-mail address."""

    use_in_migrations = True

    def create_user(
        self, email: str | None = None, password: str | None = None, **fields
    ) -> "User":
        """Save a person; without a password they cannot log in with one."""
        email = self.normalize_email(email).lower() if email else None
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields) -> "User":
        """Save an administrator of the whole portal."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, email: str) -> "User":
        """The person with this address, whatever its case."""
        return self.get(email__iexact=email)


class User(AbstractBaseUser, PermissionsMixin):
    """One person: a citizen, someone filing for a business, or an official.

    Known by an e-mail address, a verified telephone number, or an account number that the
    counter gave against an identity card.

    Which office an official works in is said by `procedures.Posting`, not here. A person
    is anonymised, never deleted, so that what they did stays explained.
    """

    email = models.EmailField(_("thư điện tử"), max_length=254, unique=True, null=True, blank=True)
    account_number = models.CharField(
        _("số tài khoản"),
        max_length=12,
        unique=True,
        null=True,
        blank=True,
        help_text=_("Để đăng nhập khi không có thư điện tử; in trên phiếu mở tài khoản."),
    )
    full_name = models.CharField(_("họ và tên"), max_length=120)
    phone = models.CharField(_("số điện thoại"), max_length=15, blank=True)
    phone_verified = models.BooleanField(_("đã xác minh số điện thoại"), default=False)
    citizen_number = models.CharField(_("số định danh cá nhân"), max_length=12, blank=True)
    is_active = models.BooleanField(_("đang hoạt động"), default=True)
    is_staff = models.BooleanField(_("cán bộ"), default=False)
    is_demo = models.BooleanField(
        _("người dùng thử"),
        default=False,
        help_text=_("Chỉ có ở chế độ chạy thử; không cần lớp xác thực thứ hai."),
    )
    identity_checked_at = models.DateTimeField(_("đối chiếu giấy tờ tùy thân lúc"), null=True)
    identity_checked_by = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="+", verbose_name=_("người đối chiếu")
    )
    closed_at = models.DateTimeField(_("đóng tài khoản lúc"), null=True)
    date_joined = models.DateTimeField(_("ngày đăng ký"), default=timezone.now)

    objects = UserManager()

    EMAIL_FIELD = USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ("full_name",)

    class Meta:
        verbose_name = _("người dùng")
        verbose_name_plural = _("người dùng")
        constraints = (
            models.UniqueConstraint(Lower("email"), name="user_one_per_email"),
            models.UniqueConstraint(
                fields=("phone",),
                condition=models.Q(phone_verified=True),
                name="user_one_per_verified_phone",
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk}"

    def save(self, *args, **kwargs) -> None:
        """No address and no number are NULL: two people may both have none."""
        self.email, self.account_number = self.email or None, self.account_number or None
        super().save(*args, **kwargs)

    def get_full_name(self) -> str:
        """The name to print; the address where no name was given."""
        return self.full_name or self.email or self.phone or self.account_number or ""

    def get_short_name(self) -> str:
        """The given name, which is the last word of a Vietnamese name."""
        return self.get_full_name().rsplit(" ", 1)[-1]


class Activation(models.Model):
    """The one-time key by which a person takes over an account that the counter opened.

    Only its digest is kept; the key itself is on the printed slip.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="activations")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("phiếu mở tài khoản")
        verbose_name_plural = _("phiếu mở tài khoản")

    def __str__(self) -> str:
        return f"#{self.pk}"


class DataExport(models.Model):
    """A copy of everything the portal keeps about one person, asked for by them.

    A task makes the file (a ZIP); it is taken away again after some days.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="exports")
    asked_at = models.DateTimeField(_("yêu cầu lúc"), auto_now_add=True)
    ready_at = models.DateTimeField(_("có lúc"), null=True)
    expires_at = models.DateTimeField(_("giữ đến"), null=True)
    file = models.FileField(upload_to="exports/%Y/%m/", blank=True)
    size = models.PositiveBigIntegerField(_("dung lượng"), default=0)

    class Meta:
        verbose_name = _("bản sao dữ liệu")
        verbose_name_plural = _("bản sao dữ liệu")
        ordering = ("-asked_at",)

    def __str__(self) -> str:
        return f"#{self.pk}"
