//! Names, addresses and the like, from the `fake` crate.
//!
//! One generic function holds the table; each locale is an instance of it, so that a name that is added is there in all
//! of them.

use std::fmt;

use fake::Fake as _;
use fake::faker::address::raw as address;
use fake::faker::barcode::raw as barcode;
use fake::faker::company::raw as company;
use fake::faker::creditcard::raw as creditcard;
use fake::faker::currency::raw as currency;
use fake::faker::filesystem::raw as filesystem;
use fake::faker::internet::raw as internet;
use fake::faker::job::raw as job;
use fake::faker::lorem::raw as lorem;
use fake::faker::name::raw as name;
use fake::faker::phone_number::raw as phone;
use fake::locales::{
    AR_SA, CY_GB, DE_DE, Data, EN, FA_IR, FR_FR, IT_IT, JA_JP, NL_NL, PT_BR, PT_PT, TR_TR, ZH_CN, ZH_TW,
};

use super::Random;

/// Makes a text.
pub(crate) struct Faker {
    name: &'static str,
    make: Box<dyn Fn(&mut Random) -> String + Send + Sync>,
}

impl Faker {
    /// The next text.
    pub(crate) fn make(&self, random: &mut Random) -> String {
        (self.make)(random)
    }
}

impl fmt::Debug for Faker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Faker").field(&self.name).finish()
    }
}

/// The languages, as they are named in templates.
pub(crate) const LOCALES: [&str; 14] = [
    "ar_sa", "cy_gb", "de_de", "en", "fa_ir", "fr_fr", "it_it", "ja_jp", "nl_nl", "pt_br", "pt_pt", "tr_tr",
    "zh_cn", "zh_tw",
];

/// The generator `name` in one of [`LOCALES`].
pub(crate) fn faker(name: &str, locale: &str) -> Option<Faker> {
    // How cities are called differs by language in a trait that the crate does not export, so that it cannot be asked
    // for in [`of`].
    macro_rules! instance {
        ($locale:ident) => {
            match name {
                "city" => Some(Faker {
                    name: "city",
                    make: Box::new(|random| address::CityName($locale).fake_with_rng(random)),
                }),
                name => of(name, $locale),
            }
        };
    }
    match locale {
        "ar_sa" => instance!(AR_SA),
        "cy_gb" => instance!(CY_GB),
        "de_de" => instance!(DE_DE),
        "en" => instance!(EN),
        "fa_ir" => instance!(FA_IR),
        "fr_fr" => instance!(FR_FR),
        "it_it" => instance!(IT_IT),
        "ja_jp" => instance!(JA_JP),
        "nl_nl" => instance!(NL_NL),
        "pt_br" => instance!(PT_BR),
        "pt_pt" => instance!(PT_PT),
        "tr_tr" => instance!(TR_TR),
        "zh_cn" => instance!(ZH_CN),
        "zh_tw" => instance!(ZH_TW),
        _ => None,
    }
}

macro_rules! table {
    ($($name:literal => $faker:path;)+) => {
        /// The generators of this kind, as they are named in templates.
        pub(crate) const NAMES: &[&str] = &["city", $($name),+];

        fn of<L: Data + Copy + Send + Sync + 'static>(name: &str, locale: L) -> Option<Faker> {
            match name {
                $($name => Some(Faker {
                    name: $name,
                    make: Box::new(move |random| $faker(locale).fake_with_rng(random)),
                }),)+
                _ => None,
            }
        }
    };
}

table! {
    "name" => name::Name;
    "first_name" => name::FirstName;
    "last_name" => name::LastName;
    "title" => name::Title;
    "email" => internet::SafeEmail;
    "username" => internet::Username;
    "user_agent" => internet::UserAgent;
    "ipv4" => internet::IPv4;
    "ipv6" => internet::IPv6;
    "mac" => internet::MACAddress;
    "phone" => phone::PhoneNumber;
    "company" => company::CompanyName;
    "industry" => company::Industry;
    "profession" => company::Profession;
    "catch_phrase" => company::CatchPhrase;
    "job" => job::Title;
    "seniority" => job::Seniority;
    "field" => job::Field;
    "street" => address::StreetName;
    "building" => address::BuildingNumber;
    "postcode" => address::ZipCode;
    "state" => address::StateName;
    "state_code" => address::StateAbbr;
    "country" => address::CountryName;
    "country_code" => address::CountryCode;
    "time_zone" => address::TimeZone;
    "currency" => currency::CurrencyCode;
    "credit_card" => creditcard::CreditCardNumber;
    "isbn" => barcode::Isbn13;
    "file_name" => filesystem::FileName;
    "mime_type" => filesystem::MimeType;
    "word" => lorem::Word;
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    #[test]
    fn every_name_makes_text_in_every_locale() {
        for locale in LOCALES {
            for name in NAMES {
                let faker = faker(name, locale).unwrap();
                let random = &mut Random::seed_from_u64(1);
                let text: Vec<String> = (0..20).map(|_| faker.make(random)).collect();
                // Some locales have no states, for one.
                assert!(text.iter().any(|text| !text.is_empty()) || locale != "en", "{name} in {locale}");
            }
        }
        assert!(faker("name", "xx").is_none() && faker("nmae", "en").is_none());
    }
}
