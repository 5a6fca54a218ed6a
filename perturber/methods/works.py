"""The works that a methods text can name, each as BibTeX has it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

KEY = re.compile(r"@([a-z]+[0-9]{4}[a-z]*)")
"""How a text names a work: as Pandoc does, ``[@madry2018]``."""

NEURIPS, ICLR, CVPR = (
    "Advances in Neural Information Processing Systems",
    "International Conference on Learning Representations",
    "IEEE/CVF Conference on Computer Vision and Pattern Recognition",
)
ICML = "International Conference on Machine Learning"


@dataclass(frozen=True)
class Work:
    """An entry.

    Attributes:
        kind: of entry, such as ``article``.
        fields: name → value, in BibTeX's own spelling of letters.
    """

    kind: str
    fields: Mapping[str, str]

    def bibtex(self, key: str) -> str:
        """The entry under a key."""
        lines = "".join(f"  {name:<9} = {{{value}}},\n" for name, value in self.fields.items())
        return f"@{self.kind}{{{key},\n{lines}}}\n"


def _work(kind: str, author: str, title: str, year: int, **fields: str) -> Work:
    return Work(kind, MappingProxyType({"author": author, "title": title, "year": str(year), **fields}))


def _talk(author: str, title: str, year: int, booktitle: str, **fields: str) -> Work:
    return _work("inproceedings", author, title, year, booktitle=booktitle, **fields)


WORKS: Mapping[str, Work] = MappingProxyType(
    {
        "sietzen2022": _work(
            "mastersthesis",
            "Stefan Sietzen",
            "Visual Analytics for Convolutional Neural Network Robustness",
            2022,
            school='Technische Universit{\\"a}t Wien',
            doi="10.34726/hss.2022.82521",
        ),
        "sietzen2021": _work(
            "article",
            "Stefan Sietzen and Mathias Lechner and Judy Borowski and Ramin Hasani and Manuela Waldner",
            "Interactive Analysis of {CNN} Robustness",
            2021,
            journal="Computer Graphics Forum",
            volume="40",
            number="7",
            pages="253--264",
            doi="10.1111/cgf.14418",
        ),
        "paszke2019": _talk(
            "Adam Paszke and Sam Gross and Francisco Massa and Adam Lerer and James Bradbury and Gregory Chanan and "
            "others",
            "{PyTorch}: An Imperative Style, High-Performance Deep Learning Library",
            2019,
            NEURIPS,
            volume="32",
        ),
        # ---- networks and pictures
        "deng2009": _talk(
            "Jia Deng and Wei Dong and Richard Socher and Li-Jia Li and Kai Li and Li Fei-Fei",
            "{ImageNet}: A Large-Scale Hierarchical Image Database",
            2009,
            "IEEE Conference on Computer Vision and Pattern Recognition",
            pages="248--255",
            doi="10.1109/CVPR.2009.5206848",
        ),
        "russakovsky2015": _work(
            "article",
            "Olga Russakovsky and Jia Deng and Hao Su and Jonathan Krause and Sanjeev Satheesh and Sean Ma and "
            "Zhiheng Huang and Andrej Karpathy and Aditya Khosla and Michael Bernstein and Alexander C. Berg and "
            "Li Fei-Fei",
            "{ImageNet} Large Scale Visual Recognition Challenge",
            2015,
            journal="International Journal of Computer Vision",
            volume="115",
            number="3",
            pages="211--252",
            doi="10.1007/s11263-015-0816-y",
        ),
        "tan2019": _talk(
            "Mingxing Tan and Quoc V. Le",
            "{EfficientNet}: Rethinking Model Scaling for Convolutional Neural Networks",
            2019,
            ICML,
            pages="6105--6114",
        ),
        "liu2020": _work(
            "misc",
            "Renjie Liu",
            "Higher Accuracy on Vision Models with {EfficientNet-Lite}",
            2020,
            howpublished="TensorFlow Blog",
        ),
        "szegedy2015": _talk(
            "Christian Szegedy and Wei Liu and Yangqing Jia and Pierre Sermanet and Scott Reed and Dragomir Anguelov "
            "and Dumitru Erhan and Vincent Vanhoucke and Andrew Rabinovich",
            "Going Deeper with Convolutions",
            2015,
            "IEEE Conference on Computer Vision and Pattern Recognition",
            pages="1--9",
            doi="10.1109/CVPR.2015.7298594",
        ),
        "he2016": _talk(
            "Kaiming He and Xiangyu Zhang and Shaoqing Ren and Jian Sun",
            "Deep Residual Learning for Image Recognition",
            2016,
            "IEEE Conference on Computer Vision and Pattern Recognition",
            pages="770--778",
            doi="10.1109/CVPR.2016.90",
        ),
        "simonyan2015": _talk(
            "Karen Simonyan and Andrew Zisserman",
            "Very Deep Convolutional Networks for Large-Scale Image Recognition",
            2015,
            ICLR,
        ),
        "wightman2019": _work(
            "misc",
            "Ross Wightman",
            "{PyTorch} Image Models",
            2019,
            doi="10.5281/zenodo.4414861",
            howpublished="GitHub",
        ),
        "salman2020": _talk(
            "Hadi Salman and Andrew Ilyas and Logan Engstrom and Ashish Kapoor and Aleksander Madry",
            "Do Adversarially Robust {ImageNet} Models Transfer Better?",
            2020,
            NEURIPS,
            volume="33",
        ),
        "geirhos2019": _talk(
            "Robert Geirhos and Patricia Rubisch and Claudio Michaelis and Matthias Bethge and Felix A. Wichmann and "
            "Wieland Brendel",
            "{ImageNet}-Trained {CNNs} Are Biased towards Texture; Increasing Shape Bias Improves Accuracy and "
            "Robustness",
            2019,
            ICLR,
        ),
        "hinton2015": _work(
            "misc",
            "Geoffrey Hinton and Oriol Vinyals and Jeff Dean",
            "Distilling the Knowledge in a Neural Network",
            2015,
            eprint="1503.02531",
            archiveprefix="arXiv",
        ),
        "loshchilov2019": _talk(
            "Ilya Loshchilov and Frank Hutter", "Decoupled Weight Decay Regularization", 2019, ICLR
        ),
        "wortsman2022": _talk(
            "Mitchell Wortsman and Gabriel Ilharco and Jong Wook Kim and Mike Li and Simon Kornblith and "
            "Rebecca Roelofs and Raphael Gontijo Lopes and Hannaneh Hajishirzi and Ali Farhadi and Hongseok Namkoong "
            "and Ludwig Schmidt",
            "Robust Fine-Tuning of Zero-Shot Models",
            2022,
            CVPR,
            pages="7959--7971",
        ),
        "li2017": _talk(
            "Hao Li and Asim Kadav and Igor Durdanovic and Hanan Samet and Hans Peter Graf",
            "Pruning Filters for Efficient {ConvNets}",
            2017,
            ICLR,
        ),
        # ---- scenes and what is done to them
        "blinn1977": _work(
            "article",
            "James F. Blinn",
            "Models of Light Reflection for Computer Synthesized Pictures",
            1977,
            journal="Computer Graphics (Proceedings of SIGGRAPH)",
            volume="11",
            number="2",
            pages="192--198",
            doi="10.1145/965141.563893",
        ),
        "williams1983": _work(
            "article",
            "Lance Williams",
            "Pyramidal Parametrics",
            1983,
            journal="Computer Graphics (Proceedings of SIGGRAPH)",
            volume="17",
            number="3",
            pages="1--11",
            doi="10.1145/964967.801126",
        ),
        "hendrycks2019": _talk(
            "Dan Hendrycks and Thomas Dietterich",
            "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations",
            2019,
            ICLR,
        ),
        "zhang2019": _talk(
            "Tianyuan Zhang and Zhanxing Zhu",
            "Interpreting Adversarially Trained Convolutional Neural Networks",
            2019,
            ICML,
            pages="7502--7511",
        ),
        # ---- attacks
        "madry2018": _talk(
            "Aleksander Madry and Aleksandar Makelov and Ludwig Schmidt and Dimitris Tsipras and Adrian Vladu",
            "Towards Deep Learning Models Resistant to Adversarial Attacks",
            2018,
            ICLR,
        ),
        "goodfellow2015": _talk(
            "Ian J. Goodfellow and Jonathon Shlens and Christian Szegedy",
            "Explaining and Harnessing Adversarial Examples",
            2015,
            ICLR,
        ),
        "dong2018": _talk(
            "Yinpeng Dong and Fangzhou Liao and Tianyu Pang and Hang Su and Jun Zhu and Xiaolin Hu and Jianguo Li",
            "Boosting Adversarial Attacks with Momentum",
            2018,
            CVPR,
            pages="9185--9193",
        ),
        "croce2019": _talk(
            "Francesco Croce and Matthias Hein",
            "Sparse and Imperceivable Adversarial Attacks",
            2019,
            "IEEE/CVF International Conference on Computer Vision",
            pages="4724--4732",
        ),
        "croce2020": _talk(
            "Francesco Croce and Matthias Hein",
            "Reliable Evaluation of Adversarial Robustness with an Ensemble of Diverse Parameter-Free Attacks",
            2020,
            ICML,
            pages="2206--2216",
        ),
        # ---- what networks respond to
        "olah2017": _work(
            "article",
            "Chris Olah and Alexander Mordvintsev and Ludwig Schubert",
            "Feature Visualization",
            2017,
            journal="Distill",
            doi="10.23915/distill.00007",
        ),
        "kiat2020": _work(
            "misc",
            "Lim Swee Kiat",
            "Lucent: {Lucid} Adapted for {PyTorch}",
            2020,
            howpublished="GitHub",
            url="https://github.com/greentfrapp/lucent",
        ),
        "kingma2015": _talk(
            "Diederik P. Kingma and Jimmy Ba", "Adam: A Method for Stochastic Optimization", 2015, ICLR
        ),
        "selvaraju2017": _talk(
            "Ramprasaath R. Selvaraju and Michael Cogswell and Abhishek Das and Ramakrishna Vedantam and Devi Parikh "
            "and Dhruv Batra",
            "Grad-{CAM}: Visual Explanations from Deep Networks via Gradient-Based Localization",
            2017,
            "IEEE International Conference on Computer Vision",
            pages="618--626",
            doi="10.1109/ICCV.2017.74",
        ),
        "simonyan2014": _talk(
            "Karen Simonyan and Andrea Vedaldi and Andrew Zisserman",
            "Deep Inside Convolutional Networks: Visualising Image Classification Models and Saliency Maps",
            2014,
            f"{ICLR}, Workshop Track",
        ),
        # ---- measurements
        "efron1979": _work(
            "article",
            "Bradley Efron",
            "Bootstrap Methods: Another Look at the Jackknife",
            1979,
            journal="The Annals of Statistics",
            volume="7",
            number="1",
            pages="1--26",
            doi="10.1214/aos/1176344552",
        ),
        "benjamini1995": _work(
            "article",
            "Yoav Benjamini and Yosef Hochberg",
            "Controlling the False Discovery Rate: A Practical and Powerful Approach to Multiple Testing",
            1995,
            journal="Journal of the Royal Statistical Society: Series B",
            volume="57",
            number="1",
            pages="289--300",
        ),
        "geirhos2020": _talk(
            "Robert Geirhos and Kristof Meding and Felix A. Wichmann",
            "Beyond Accuracy: Quantifying Trial-by-Trial Behaviour of {CNNs} and Humans by Measuring Error Consistency",
            2020,
            NEURIPS,
            volume="33",
        ),
        "xiao2021": _talk(
            "Kai Xiao and Logan Engstrom and Andrew Ilyas and Aleksander Madry",
            "Noise or Signal: The Role of Image Backgrounds in Object Recognition",
            2021,
            ICLR,
        ),
        "yin2019": _talk(
            "Dong Yin and Raphael Gontijo Lopes and Jonathon Shlens and Ekin D. Cubuk and Justin Gilmer",
            "A {Fourier} Perspective on Model Robustness in Computer Vision",
            2019,
            NEURIPS,
            volume="32",
        ),
        "cammarata2020": _work(
            "article",
            "Nick Cammarata and Gabriel Goh and Shan Carter and Ludwig Schubert and Michael Petrov and Chris Olah",
            "Curve Detectors",
            2020,
            journal="Distill",
            doi="10.23915/distill.00024.003",
        ),
        "mckay1979": _work(
            "article",
            "Michael D. McKay and Richard J. Beckman and William J. Conover",
            "A Comparison of Three Methods for Selecting Values of Input Variables in the Analysis of Output from a "
            "Computer Code",
            1979,
            journal="Technometrics",
            volume="21",
            number="2",
            pages="239--245",
        ),
        "kornblith2019": _talk(
            "Simon Kornblith and Mohammad Norouzi and Honglak Lee and Geoffrey Hinton",
            "Similarity of Neural Network Representations Revisited",
            2019,
            ICML,
            pages="3519--3529",
        ),
    }
)
"""Key → work."""


def named(text: str) -> tuple[str, ...]:
    """Keys of the works that a text names, each once, in its order."""
    return tuple(dict.fromkeys(KEY.findall(text)))


def bibliography(keys: Iterable[str]) -> str:
    """Entries of these works, by their keys."""
    return "\n".join(WORKS[key].bibtex(key) for key in sorted(keys))
