"""The people who log in."""

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class UserManager(BaseUserManager):
    """Makes people from an e-mail address."""

    use_in_migrations = True

    def create_user(self, email: str, password: str | None = None, **fields) -> "User":
        """Save a person; without a password they cannot log in with one."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
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

    Which office an official works in is said by `procedures.Posting`, not here. A person
    is anonymised, never deleted, so that what they did stays explained.
    """

    email = models.EmailField(_("thư điện tử"), max_length=254, unique=True)
    full_name = models.CharField(_("họ và tên"), max_length=120)
    phone = models.CharField(_("số điện thoại"), max_length=15, blank=True)
    citizen_number = models.CharField(_("số định danh cá nhân"), max_length=12, blank=True)
    is_active = models.BooleanField(_("đang hoạt động"), default=True)
    is_staff = models.BooleanField(_("cán bộ"), default=False)
    is_demo = models.BooleanField(
        _("người dùng thử"),
        default=False,
        help_text=_("Chỉ có ở chế độ chạy thử; không cần lớp xác thực thứ hai."),
    )
    date_joined = models.DateTimeField(_("ngày đăng ký"), default=timezone.now)

    objects = UserManager()

    EMAIL_FIELD = USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ("full_name",)

    class Meta:
        verbose_name = _("người dùng")
        verbose_name_plural = _("người dùng")
        constraints = (models.UniqueConstraint(Lower("email"), name="user_one_per_email"),)

    def __str__(self) -> str:
        return f"#{self.pk}"

    def get_full_name(self) -> str:
        """The name to print; the address where no name was given."""
        return self.full_name or self.email

    def get_short_name(self) -> str:
        """The given name, which is the last word of a Vietnamese name."""
        return self.get_full_name().rsplit(" ", 1)[-1]
