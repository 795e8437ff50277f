"""Types of settings: how each one is parsed, checked and shown in the documentation."""

from chatsite.setting_types.base import BadValue, Setting
from chatsite.setting_types.names import (
    BindAddress,
    ContactAddress,
    CookieSuffix,
    Device,
    HeaderName,
    HostNames,
    MailSender,
    ModelNames,
    Networks,
    Origins,
    PathPrefix,
    ProxyNetworks,
    SiteAddress,
)
from chatsite.setting_types.numbers import Integer, Limit, Number
from chatsite.setting_types.paths import FilePath, Folder, OptionalPath, ReadableFile
from chatsite.setting_types.secrets import SecretKey, SecretKeys, VapidKey
from chatsite.setting_types.urls import DatabaseUrl, MailUrl, RedisUrl
from chatsite.setting_types.words import Flag, OneOf, Text

__all__ = [
    "BadValue",
    "BindAddress",
    "ContactAddress",
    "CookieSuffix",
    "DatabaseUrl",
    "Device",
    "FilePath",
    "Flag",
    "Folder",
    "HeaderName",
    "HostNames",
    "Integer",
    "Limit",
    "MailSender",
    "MailUrl",
    "ModelNames",
    "Networks",
    "Number",
    "OneOf",
    "OptionalPath",
    "Origins",
    "PathPrefix",
    "ProxyNetworks",
    "ReadableFile",
    "RedisUrl",
    "SecretKey",
    "SecretKeys",
    "Setting",
    "SiteAddress",
    "Text",
    "VapidKey",
]
