from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

class PaymentProvider(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PAYMENT_PROVIDER_UNSPECIFIED: _ClassVar[PaymentProvider]
    PAYMENT_PROVIDER_STRIPE: _ClassVar[PaymentProvider]
    PAYMENT_PROVIDER_OMISE: _ClassVar[PaymentProvider]
    PAYMENT_PROVIDER_LEMON_SQUEEZY: _ClassVar[PaymentProvider]

class PaymentMethod(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PAYMENT_METHOD_UNSPECIFIED: _ClassVar[PaymentMethod]
    PAYMENT_METHOD_CHECKOUT: _ClassVar[PaymentMethod]
    PAYMENT_METHOD_PROMPTPAY: _ClassVar[PaymentMethod]
    PAYMENT_METHOD_CARD_TOKEN: _ClassVar[PaymentMethod]
    PAYMENT_METHOD_LINK: _ClassVar[PaymentMethod]
PAYMENT_PROVIDER_UNSPECIFIED: PaymentProvider
PAYMENT_PROVIDER_STRIPE: PaymentProvider
PAYMENT_PROVIDER_OMISE: PaymentProvider
PAYMENT_PROVIDER_LEMON_SQUEEZY: PaymentProvider
PAYMENT_METHOD_UNSPECIFIED: PaymentMethod
PAYMENT_METHOD_CHECKOUT: PaymentMethod
PAYMENT_METHOD_PROMPTPAY: PaymentMethod
PAYMENT_METHOD_CARD_TOKEN: PaymentMethod
PAYMENT_METHOD_LINK: PaymentMethod
