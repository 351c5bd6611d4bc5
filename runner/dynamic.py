"""Postman's 118 dynamic variables: `{{$guid}}`, `{{$timestamp}}`, `{{$randomCity}}` …, a fresh value at each use."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

NAMES = frozenset(
    """
    guid isoTimestamp randomAbbreviation randomAbstractImage randomAdjective randomAlphaNumeric randomAnimalsImage
    randomAvatarImage randomBankAccount randomBankAccountBic randomBankAccountIban randomBankAccountName
    randomBitcoin randomBoolean randomBs randomBsAdjective randomBsBuzz randomBsNoun randomBusinessImage
    randomCatchPhrase randomCatchPhraseAdjective randomCatchPhraseDescriptor randomCatchPhraseNoun randomCatsImage
    randomCity randomCityImage randomColor randomCommonFileExt randomCommonFileName randomCommonFileType
    randomCompanyName randomCompanySuffix randomCountry randomCountryCode randomCreditCardMask randomCurrencyCode
    randomCurrencyName randomCurrencySymbol randomDatabaseCollation randomDatabaseColumn randomDatabaseEngine
    randomDatabaseType randomDateFuture randomDatePast randomDateRecent randomDepartment randomDirectoryPath
    randomDomainName randomDomainSuffix randomDomainWord randomEmail randomExampleEmail randomFashionImage
    randomFileExt randomFileName randomFilePath randomFileType randomFirstName randomFoodImage randomFullName
    randomHexColor randomIP randomIPV6 randomImageDataUri randomImageUrl randomIngverb randomInt randomJobArea
    randomJobDescriptor randomJobTitle randomJobType randomLastName randomLatitude randomLocale randomLongitude
    randomLoremLines randomLoremParagraph randomLoremParagraphs randomLoremSentence randomLoremSentences
    randomLoremSlug randomLoremText randomLoremWord randomLoremWords randomMACAddress randomMimeType randomMonth
    randomNamePrefix randomNameSuffix randomNatureImage randomNightlifeImage randomNoun randomPassword
    randomPeopleImage randomPhoneNumber randomPhoneNumberExt randomPhrase randomPrice randomProduct
    randomProductAdjective randomProductMaterial randomProductName randomProtocol randomSemver randomSportsImage
    randomStreetAddress randomStreetName randomTransactionType randomTransportImage randomUUID randomUrl
    randomUserAgent randomUserName randomVerb randomWeekday randomWord randomWords timestamp
    """.split()
)
"""All names, without the `$`."""

Generate = Callable[[tuple[str, ...]], tuple[str, ...]]


def _iso_timestamp() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_OWN: dict[str, Callable[[], str]] = {
    "guid": lambda: str(uuid.uuid4()),
    "randomUUID": lambda: str(uuid.uuid4()),
    "timestamp": lambda: str(int(time.time())),
    "isoTimestamp": _iso_timestamp,
    "randomInt": lambda: str(random.randint(0, 1000)),
}


class Dynamic:
    """Makes values. The common ones are made here, the others by `generate`: Postman's own code in the sandbox."""

    def __init__(self, generate: Generate) -> None:
        self._generate = generate

    def value(self, name: str) -> str | None:
        """A fresh value for `$name`, None when there is no such dynamic variable."""
        if not name.startswith("$") or name[1:] not in NAMES:
            return None
        own = _OWN.get(name[1:])
        return own() if own else self._generate((f"{{{{{name}}}}}",))[0]
