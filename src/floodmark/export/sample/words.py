"""Words of the sample data: eight languages, five scripts, one of them written from right to left. All invented."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Language:
    """What sample texts in one language are made of; `code` is ISO 639-1."""

    code: str
    works: tuple[str, ...]
    """What a project does: `{work} · {place}` is its title."""
    places: tuple[str, ...]
    sentences: tuple[str, ...]
    bodies: tuple[str, ...]
    """Kinds of organisation, with {} where its own name stands."""

    def title(self, random: Random) -> str:
        """A project's title, at most 120 characters."""
        return f"{random.choice(self.works)} · {random.choice(self.places)}"

    def text(self, random: Random, sentences: int) -> str:
        """Running text of so many sentences."""
        return " ".join(random.choices(self.sentences, k=sentences))


OWN_NAMES = (
    "Amberwell", "Brisaluna", "Cantarel", "Dorvane", "Elmira", "Farolito", "Galanthe", "Halcyra", "Isolde", "Jacarel",
    "Kestrelle", "Lumora", "Mirabeck", "Novalis", "Orvieta", "Pelagia", "Quillon", "Rosmaren", "Saffrane", "Tamarin",
    "Umbriel", "Valdora", "Wrenfold", "Ysolde", "Zephyra",
)  # fmt: skip

ENGLISH = Language(
    "en",
    works=(
        "Clean water for village schools",
        "Sanitation and hygiene in growing towns",
        "Seeds, soil and savings for smallholders",
        "Safe births and first thousand days",
        "Apprenticeships for young welders and bakers",
        "Flood warning by radio and river gauge",
        "Forest gardens & honey cooperatives",
    ),
    places=("Northern Marl", "Lake Orrin", "Tamber Delta", "Quay Province", "Upper Silvan"),
    sentences=(
        "Handpumps are repaired within three days of a call.",
        "Committees of seven, at least three of them women, keep the accounts open to everyone.",
        'The district "model" was adopted after two rainy seasons; costs fell by a fifth.',
        "Every household within 500 m was visited <twice>, and 62 % now treat their water at home.",
        "Spare parts & tools are held by the local blacksmith.",
        "Monitoring data are published each quarter.",
        "Teachers, parents and pupils drew the plan together.",
        "The remaining risk is the price of diesel.",
    ),
    bodies=("{} Foundation", "{} Trust", "Friends of {}", "{} Development Office"),
)
FRENCH = Language(
    "fr",
    works=(
        "Accès à l’eau potable en milieu rural",
        "Assainissement des quartiers périphériques",
        "Appui aux maraîchères et à leurs coopératives",
        "Santé maternelle et néonatale",
        "Écoles sûres après l’inondation",
    ),
    places=("Haut-Mareuil", "Delta de l’Ombre", "Plateau d’Ys", "Côte des Aulnes"),
    sentences=(
        "Les comités de gestion se réunissent chaque mois et publient leurs comptes.",
        "Près de 4 200 élèves ont désormais accès à des latrines séparées.",
        "L’entretien des forages est confié à des artisans formés sur place.",
        "La saison des pluies a retardé les travaux de six semaines.",
        "Les relevés sont saisis sur téléphone, puis vérifiés par l’équipe régionale.",
        "Une évaluation à mi-parcours a été menée avec les communes.",
    ),
    bodies=("Fondation {}", "Association {}", "Agence {} pour le développement"),
)
SPANISH = Language(
    "es",
    works=(
        "Agua segura para comunidades de montaña",
        "Cacao y café con sombra diversificada",
        "Formación técnica para jóvenes",
        "Prevención de riesgos ante huaicos",
        "Salud comunitaria y nutrición",
    ),
    places=("Valle del Ñandú", "Sierra Calma", "Bahía Añil", "Altiplano de Oruz"),
    sentences=(
        "Las familias aportan la mano de obra y el municipio los materiales.",
        "¿Qué cambió? El tiempo para buscar agua bajó de dos horas a veinte minutos.",
        "Se capacitó a 38 promotoras, que visitan cada hogar una vez al mes.",
        "El vivero produjo más de 90.000 plantones.",
        "La sequía del segundo año obligó a revisar las metas.",
        "Los datos se recogen con teléfonos móviles y se publican por trimestre.",
    ),
    bodies=("Fundación {}", "Asociación {}", "Instituto {}"),
)
PORTUGUESE = Language(
    "pt",
    works=(
        "Saneamento participativo nos bairros",
        "Sementes crioulas e mercados locais",
        "Energia solar para postos de saúde",
        "Alfabetização de mulheres adultas",
    ),
    places=("Vale das Garças", "Ilha do Açor", "Planalto de São Vilar"),
    sentences=(
        "As associações de moradores escolheram os locais das obras.",
        "A manutenção é paga por uma contribuição mensal simbólica.",
        "Foram formados 24 técnicos, metade dos quais mulheres.",
        "As chuvas destruíram uma ponte e atrasaram a entrega.",
        "Os resultados são discutidos em reunião aberta.",
    ),
    bodies=("Fundação {}", "Rede {}"),
)
ARABIC = Language(
    "ar",
    works=("مياه نظيفة للمدارس", "الصحة والنظافة في المخيمات", "دعم المزارعات الصغيرات", "تدريب مهني للشباب"),
    places=("وادي الزعفران", "ضفاف النهر القديم", "مرتفعات السنديان"),
    sentences=(
        "تجتمع لجنة المياه مرة كل شهر وتنشر حساباتها.",
        "استفادت 1200 أسرة من الشبكة الجديدة.",
        "تأخر العمل بسبب الأمطار ثم استؤنف في الربيع.",
        "تُجمع البيانات بالهاتف المحمول وتُراجع محليًا.",
        "شاركت النساء في اختيار مواقع الآبار.",
    ),
    bodies=("مؤسسة {}", "جمعية {}"),
)
HINDI = Language(
    "hi",
    works=("गाँवों में स्वच्छ पेयजल", "किशोरियों के लिए शिक्षा", "बाढ़ पूर्व चेतावनी", "महिला बचत समूह"),
    places=("उत्तरी मैदान", "नीलगंगा घाटी", "पूर्वी तट"),
    sentences=(
        "समिति हर महीने बैठक करती है और खाता सबके लिए खुला रखती है।",
        "तीन सौ परिवारों ने घर पर पानी शुद्ध करना शुरू किया।",
        "मरम्मत का काम स्थानीय मिस्त्री करते हैं।",
        "वर्षा के कारण काम छह सप्ताह रुका रहा।",
        "आँकड़े मोबाइल फ़ोन से जमा किए जाते हैं।",
    ),
    bodies=("{} न्यास", "{} संस्था"),
)
AMHARIC = Language(
    "am",
    works=("ንጹህ ውሃ ለትምህርት ቤቶች", "የእናቶችና ሕፃናት ጤና", "የወጣቶች የሙያ ሥልጠና"),
    places=("ሰሜን ሸለቆ", "የሐይቁ ዳርቻ", "ደጋማ ወረዳ"),
    sentences=(
        "የውሃ ኮሚቴው በየወሩ ይሰበሰባል።",
        "ሥራው በክረምት ምክንያት ዘግይቷል።",
        "መረጃው በሞባይል ስልክ ይሰበሰባል።",
        "ሁለት መቶ ቤተሰቦች ተጠቃሚ ሆነዋል።",
    ),
    bodies=("{} ድርጅት",),
)
CHINESE = Language(
    "zh",
    works=("乡村学校饮水安全", "小农合作社与生态种植", "社区防洪预警", "青年职业培训"),
    places=("青岚县", "云溪河谷", "北泽湖区"),
    sentences=(
        "村民代表每月开会，账目公开。",
        "水泵在三天内得到维修。",
        "雨季使工程推迟了六个星期。",
        "数据通过手机采集并逐级核对。",
        "培训学员中一半是女性。",
    ),
    bodies=("{}基金会", "{}发展协会"),
)
LANGUAGES = (ENGLISH, FRENCH, SPANISH, PORTUGUESE, ARABIC, HINDI, AMHARIC, CHINESE)


def organisation_name(number: int) -> tuple[str, str, Language]:
    """Short name, long name and language of the organisation of that number; no two are alike."""
    language = LANGUAGES[number % len(LANGUAGES)]
    turn, own = divmod(number, len(OWN_NAMES))
    short = OWN_NAMES[own] if turn == 0 else f"{OWN_NAMES[own]} {turn + 1}"
    return short, language.bodies[turn % len(language.bodies)].format(short), language
